"""A model of the Hugging Face hub as a local folder: weights as safetensors or a restricted state dict, no code."""

from __future__ import annotations

import re
from pathlib import Path

from explorer.errors import CheckpointError, UnavailableError

_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?(@[\w./-]+)?")
_FILES = ["*.json", "*.txt", "*.model"]
_SAFE, _RESTRICTED = ["*.safetensors"], ["pytorch_model*.bin"]


def local(place: str) -> Path:
    """The folder itself if it is one, else the hub model of this id (ORG/NAME, with @REVISION if wanted), downloaded.

    CheckpointError for a folder that does not exist, UnavailableError where the hub can't be reached.
    """
    path = Path(place).expanduser()
    if path.exists() or path.is_absolute() or "/" not in place or not _ID.fullmatch(place) or place.startswith("."):
        if not path.is_dir():
            raise CheckpointError(f"{place}: no such folder, and no hub id (ORG/NAME) either.")
        return path
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    # the hub's error derives from the base error of the HTTP client it uses, which has changed before
    unreachable: tuple[type[BaseException], ...] = (OSError, ValueError, *HfHubHTTPError.__bases__)
    repo, _, revision = place.partition("@")
    try:
        held = HfApi().list_repo_files(repo, revision=revision or None)
        weights = _SAFE if any(name.endswith(".safetensors") for name in held) else _RESTRICTED
        return Path(snapshot_download(repo, revision=revision or None, allow_patterns=_FILES + weights))
    except unreachable as e:
        raise UnavailableError(f"{place}: no such folder, and the hub model can't be had ({str(e).splitlines()[0]}). "
                               "Check the name and the network, or give a local folder.") from e
