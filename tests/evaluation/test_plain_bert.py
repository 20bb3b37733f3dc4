"""The written-out encoders and the tokenizer without transformers give what transformers gives."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, BertConfig, PretrainedConfig, RobertaConfig

from explorer import settings
from explorer.evaluation.plain_bert import PlainBert
from explorer.evaluation.tokenizing import WordPieces

SMALL = {"vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4,
         "intermediate_size": 40, "max_position_embeddings": 40, "type_vocab_size": 2}
CONFIGS = [BertConfig(**SMALL), BertConfig(**SMALL, layer_norm_eps=1e-5), RobertaConfig(**SMALL, pad_token_id=1)]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.model_type}-{c.layer_norm_eps:g}")
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("pair", [False, True])
def test_states_are_those_of_transformers(config: PretrainedConfig, padded: bool, pair: bool) -> None:
    torch.manual_seed(0)
    model = AutoModel.from_config(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ids = torch.randint(3, 50, (5, 17))
    mask = torch.ones_like(ids)
    if padded:
        for row, length in enumerate((17, 12, 9, 1, 16)):
            ids[row, length:], mask[row, length:] = config.pad_token_id, 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    if pair:
        inputs["token_type_ids"] = (torch.arange(17) > 6).long().expand(5, 17) * mask
    raw = config.to_dict()
    assert PlainBert.knows(raw)
    with torch.inference_mode():
        expected = model(**inputs).last_hidden_state
        found = PlainBert(raw, dict(model.named_parameters()))(**inputs).last_hidden_state
    kept = mask.bool()
    assert torch.allclose(found[kept], expected[kept], atol=2e-6)


@pytest.mark.parametrize("change", [{"model_type": "distilbert"}, {"hidden_act": "relu"}, {"is_decoder": True},
                                    {"position_embedding_type": "relative_key"}, {"add_cross_attention": True}])
def test_what_is_not_written_out_is_left_to_transformers(change: dict[str, object]) -> None:
    assert not PlainBert.knows(BertConfig(**SMALL).to_dict() | change)


@pytest.mark.parametrize("length", [4, 16, 64])
def test_tokens_are_those_of_transformers(length: int) -> None:
    from transformers import AutoTokenizer

    folder: Path = settings.DEMO / "bases" / "M"
    theirs = AutoTokenizer.from_pretrained(str(folder))
    texts = ["Great movie, a bit long!", "", "naïve café — 東京 123 " * 9, "[MASK] <html> \t don't  ok"]
    pairs = ["", "what?", "the answer is here " * 8, "x"]
    for second in (None, pairs):
        expected = theirs(texts, second, truncation=True, max_length=length)
        found = WordPieces(folder, theirs.pad_token_id)(texts, second, truncation=True, max_length=length)
        assert found["input_ids"] == expected["input_ids"]
        if second:
            assert found["token_type_ids"] == expected["token_type_ids"]
