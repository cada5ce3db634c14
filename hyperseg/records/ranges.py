"""Types for the ranges of a record's numbers. NaN and infinity are refused everywhere."""

from typing import Annotated

from pydantic import Field

Percent = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]  # of what is there: pixels of a side, images of a batch, samples
Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f]+$")]  # a file beside the record, without a folder
