"""What a model writes into its one tool, and the proposal that is made of it: or the reason why none is, for the model."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..editing import edits, syntax
from ..editing.replacements import Replacement, replaced
from ..errors import EditRefused
from ..events import Mechanism
from ..models import Tool
from . import Lesson, Proposal

NAME = "propose_experiment"
DESCRIPTION = (
    "Propose the next experiment. One change, so that the result says what caused it. Call it once; it is your answer. "
    "Nothing is applied before it was checked, and what cannot be applied comes back with the reason."
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Looking(_Part):
    """What the last measured experiment says about its own mechanism."""

    experiment: int = Field(description="Its number.")
    mechanism: Mechanism = Field(
        description="Whether its mechanism was at work, whatever became of the metric: open when the measurements cannot say."
    )
    theory: str = Field(description="How you now explain things, if that has changed; empty if not.")


class Edit(_Part):
    """One replacement."""

    path: str = Field(description="The file, as it is named in the prompt.")
    old: str = Field(
        description="The text to replace, copied exactly, with its indentation; found in the file exactly once. Empty only for a new file."
    )
    new: str = Field(description="The text in its place.")


class File(_Part):
    """One whole file."""

    path: str = Field(description="The file, as it is named in the prompt.")
    text: str = Field(description="All of its new text, from the first line to the last.")


class _Draft(_Part):
    hypothesis: str = Field(description="What the change will do to the metric, in a sentence that can turn out false.")
    mechanism: str = Field(description="Why it should: the cause, not the effect.")
    expected: str = Field(description="By how much the metric should change, and what would refute the hypothesis.")
    previous_mechanism: Looking | None = Field(
        description="What the last measured experiment says about its own mechanism; null when there is none."
    )


class _Replacing(_Draft):
    edits: tuple[Edit, ...] = Field(description="The change, in the order in which it is applied.")

    def after(self, sources: Mapping[str, str]) -> dict[str, str]:
        return replaced([Replacement(edit.path, edit.old, edit.new) for edit in self.edits], sources)


class _Rewriting(_Draft):
    files: tuple[File, ...] = Field(description="Each file that changes, whole. Leave all else in it as it is.")

    def after(self, sources: Mapping[str, str]) -> dict[str, str]:
        return {file.path: file.text for file in self.files}


_DRAFTS: dict[str, type[_Replacing | _Rewriting]] = {"replace": _Replacing, "whole": _Rewriting}


def tool(way: Literal["replace", "whole"]) -> Tool:
    """The tool, for one way of writing edits."""
    schema = _DRAFTS[way].model_json_schema()
    return Tool(NAME, DESCRIPTION, _plain(schema, schema.get("$defs", {})))


def proposal(written: Mapping[str, Any], way: Literal["replace", "whole"], sources: Mapping[str, str]) -> Proposal:
    """The proposal in the input of a call; EditRefused, in words for the model, when there is none."""
    try:
        draft = _DRAFTS[way].model_validate(written)
    except ValidationError as error:
        raise EditRefused(_wrong(error)) from None
    after = draft.after(sources)
    for path, text in after.items():
        syntax.check(path, text)
    looking = draft.previous_mechanism
    return Proposal(
        hypothesis=draft.hypothesis,
        mechanism=draft.mechanism,
        diff="".join(edits.render(path, sources.get(path), after[path]) for path in sorted(after)),
        expected=draft.expected,
        lesson=Lesson(looking.experiment, looking.mechanism, looking.theory) if looking else None,
    )


def _wrong(error: ValidationError) -> str:
    problems = (f"{'.'.join(map(str, found['loc'])) or 'the input'}: {found['msg']}" for found in error.errors()[:5])
    return f"the input of {NAME} is not as its schema says: {'; '.join(problems)}"


def _plain(part: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema without titles and references: they say nothing to a model, and not every server reads them."""
    if isinstance(part, Sequence) and not isinstance(part, str):
        return [_plain(each, definitions) for each in part]
    if not isinstance(part, Mapping):
        return part
    if "$ref" in part:
        part = {**definitions[part["$ref"].rpartition("/")[2]], **part}
    return {
        key: _plain(value, definitions)
        for key, value in part.items()
        if key not in ("$defs", "$ref") and not (key == "title" and isinstance(value, str))
    }
