"""Language-model losses against transformers' own models, and what can't be measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import WORDS, bert_config, save_tokenizer

from explorer.errors import UnavailableError
from explorer.evaluation.evaluator import Evaluator
from explorer.evaluation.texts import MASKED, NO_TARGET, Encoded, encode, masked
from explorer.evaluation.tokenizing import tokenizer_of
from explorer.tasks.prepare import load
from explorer.types import Base, Point, Probe, Task
from explorer.weights.opening import open_base, open_delta

HOW = Probe(test=30, head="lm")
SPECIAL = frozenset(range(5))


def bert() -> Any:
    from transformers import BertForMaskedLM

    return BertForMaskedLM(bert_config())


def roberta() -> Any:
    from transformers import RobertaConfig, RobertaForMaskedLM

    return RobertaForMaskedLM(RobertaConfig(vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2,
                                            num_attention_heads=2, intermediate_size=64, max_position_embeddings=40,
                                            pad_token_id=0, type_vocab_size=1))


def distilbert() -> Any:
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    return DistilBertForMaskedLM(DistilBertConfig(vocab_size=len(WORDS), dim=32, hidden_dim=64, n_layers=2, n_heads=2,
                                                  max_position_embeddings=64))


def gpt2() -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(vocab_size=len(WORDS), n_embd=32, n_layer=2, n_head=2, n_positions=64,
                                      bos_token_id=2, eos_token_id=3))


def llama() -> Any:
    """A decoder whose output matrix is its own."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(vocab_size=len(WORDS), hidden_size=32, intermediate_size=64,
                                        num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
                                        max_position_embeddings=64, tie_word_embeddings=False, bos_token_id=2,
                                        eos_token_id=3))


MODELS = {"bert": bert, "roberta": roberta, "distilbert": distilbert, "gpt2": gpt2, "llama": llama}


def written(make: Any, folder: Path, seed: int) -> Any:
    torch.manual_seed(seed)
    model = make().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    save_tokenizer(folder)
    model.save_pretrained(folder)
    return model


def evaluator_of(folder: Path) -> Evaluator:
    opened = open_base(folder)
    return Evaluator(Base("b", "tiny", str(folder), opened.config.model_type, opened.layout, opened.prefix), folder,
                     "cpu")


def expected(model: Any, folder: Path, task: Task, causal: bool) -> tuple[list[float], float]:
    """Loss of each text and the share of tokens predicted, as transformers runs the model, one text at a time."""
    plain = encode(load(task).test.first(HOW.test), tokenizer_of(folder), 39)
    asked = masked(plain, WORDS.index("[MASK]"), SPECIAL)
    losses, hits = [], []
    for before, after, targets in zip(plain.ids, asked.ids, asked.targets or (), strict=True):
        ids = torch.tensor([before if causal else after])
        labels = torch.tensor([before if causal else targets])
        with torch.inference_mode():
            out = model(input_ids=ids, labels=labels)
        losses.append(float(out.loss))
        guesses, truth = (out.logits[0, :-1], labels[0, 1:]) if causal else (out.logits[0], labels[0])
        kept = truth != NO_TARGET
        hits += (guesses.argmax(dim=1) == truth)[kept].tolist()
    return losses, float(np.mean(hits))


@pytest.mark.parametrize("kind", MODELS)
def test_losses_are_those_of_transformers(kind: str, task: Task, tmp_path: Path) -> None:
    model = written(MODELS[kind], tmp_path / "base", 0)
    made, how = evaluator_of(tmp_path / "base"), Probe(test=HOW.test, head="lm", length=39)
    score = made.score(Point.of("b"), task, how)
    losses, accuracy = expected(model, tmp_path / "base", task, kind in ("gpt2", "llama"))
    np.testing.assert_allclose(score.losses, losses, atol=2e-5)
    assert score.accuracy == pytest.approx(accuracy, abs=1e-6)
    made._tokens = 64
    made.reader.forget()
    made._rows._held.clear()
    np.testing.assert_allclose(made.score(Point.of("b"), task, how).losses, losses, atol=2e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_tied_embeddings_move_with_the_point_and_the_rest_of_the_head_stays(kind: str, task: Task,
                                                                            tmp_path: Path) -> None:
    base, other = (written(MODELS[kind], tmp_path / n, i) for i, n in enumerate(("base", "other")))
    made = evaluator_of(tmp_path / "base")
    made.folders["x"] = tmp_path / "other"
    opened = open_base(tmp_path / "base")
    delta = open_delta(tmp_path / "other", opened).flat(opened.layout)
    backbone = dict(getattr(base, base.base_model_prefix).named_parameters())
    with torch.no_grad():
        for tensor in opened.layout.tensors:
            backbone[tensor.name].add_(0.5 * delta[tensor.offset : tensor.offset + tensor.size].view(tensor.shape))
    losses, _ = expected(base, tmp_path / "base", task, kind in ("gpt2", "llama"))
    score = made.score(Point.of("b", {"x": 0.5}), task, Probe(test=HOW.test, head="lm", length=39))
    np.testing.assert_allclose(score.losses, losses, atol=5e-5)
    assert other is not base


def test_every_point_sees_the_same_masks_and_a_first_pass_is_a_prefix(task: Task, tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "FIRST", (10, 10))
    written(bert, tmp_path / "base", 0)
    alone = evaluator_of(tmp_path / "base").score(Point.of("b"), task, HOW)
    made = evaluator_of(tmp_path / "base")
    first = made.score(Point.of("b"), task, HOW.first())
    assert made.score(Point.of("b"), task, HOW).losses.tolist() == alone.losses.tolist()
    assert first.losses.tolist() == alone.losses[:10].tolist()


@given(st.lists(st.integers(0, 60), min_size=1, max_size=50))
def test_masks_hide_their_share_of_the_words_alone(ids: list[int]) -> None:
    found = masked(Encoded((tuple(ids),), None, 0), 4, SPECIAL)
    assert found == masked(Encoded((tuple(ids),), None, 0), 4, SPECIAL)
    (shown,), (targets,) = found.ids, found.targets or ((),)
    words = [i for i, t in enumerate(ids) if t not in SPECIAL]
    hidden = [i for i, t in enumerate(targets) if t != NO_TARGET]
    assert len(hidden) == (max(1, round(MASKED * len(words))) if words else 0)
    assert set(hidden) <= set(words)
    assert all(shown[i] == (4 if i in hidden else ids[i]) for i in range(len(ids)))
    assert all(targets[i] == ids[i] for i in hidden)


def test_a_base_without_a_head_says_what_to_do(task: Task, known: dict[str, Any]) -> None:
    made = Evaluator(known["base"], known["folder"], "cpu")
    with pytest.raises(UnavailableError, match=r"keeps no language-model head.*--head probe"):
        made.score(Point.of(known["base"].id), task, HOW)


def test_the_demo_base_says_so_too(task: Task) -> None:
    from explorer import settings

    with pytest.raises(UnavailableError, match="keeps no language-model head"):
        evaluator_of(settings.DEMO / "bases" / "M").score(Point.of("b"), task, HOW)


def test_an_activation_that_is_not_known_and_a_discriminator(task: Task, tmp_path: Path) -> None:
    from transformers import BertForMaskedLM, ElectraConfig, ElectraModel

    torch.manual_seed(0)
    save_tokenizer(tmp_path / "silu")
    BertForMaskedLM(bert_config(hidden_act="silu")).save_pretrained(tmp_path / "silu")
    with pytest.raises(UnavailableError, match="'silu'"):
        evaluator_of(tmp_path / "silu").score(Point.of("b"), task, HOW)
    save_tokenizer(tmp_path / "electra")
    ElectraModel(ElectraConfig(vocab_size=len(WORDS), embedding_size=32, hidden_size=32, num_hidden_layers=1,
                               num_attention_heads=2, intermediate_size=64)).save_pretrained(tmp_path / "electra")
    with pytest.raises(UnavailableError, match="keeps no language-model head"):
        evaluator_of(tmp_path / "electra").score(Point.of("b"), task, HOW)


def test_texts_of_which_nothing_can_be_asked(tmp_path: Path) -> None:
    """A text of unknown words alone has no loss; where no text has one, that is said."""
    from explorer.tasks.prepare import write
    from explorer.tasks.splits import Row

    written(bert, tmp_path / "base", 0)
    rows = [Row(f"w{i % 60} w{i // 7}" if i % 3 else f"zz{i}", "ab"[i % 2]) for i in range(120)]
    made, task = evaluator_of(tmp_path / "base"), write("mixed", rows, tmp_path)
    score = made.score(Point.of("b"), task, HOW)
    assert 0 < score.n < task.n_test
    assert np.isfinite(score.losses).all()
    nothing = write("nothing", [Row(f"zz{i}", "ab"[i % 2]) for i in range(60)], tmp_path)
    with pytest.raises(UnavailableError, match="no text of 'nothing'"):
        made.score(Point.of("b"), nothing, HOW)


def test_no_mask_token(task: Task, tmp_path: Path) -> None:
    written(bert, tmp_path / "base", 0)
    made = evaluator_of(tmp_path / "base")
    made.reader._tokenizer.mask_token_id = None
    with pytest.raises(UnavailableError, match="no mask token"):
        made.score(Point.of("b"), task, HOW)
