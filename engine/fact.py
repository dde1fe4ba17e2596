"""What every fact of a run is made from."""

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """Something that happened. Unknown fields are ignored, so that an older viewer can read a newer run."""

    model_config = ConfigDict(frozen=True, extra="ignore")
