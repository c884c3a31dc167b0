"""A dialect from outside, as small as one can be: {"say": "words"} is answered by {"said": "words"}."""

from dragoman.schemas.dialect import Dialect

DIALECT = Dialect(
    name="toy",
    title="A toy",
    package=__name__,
    aliases=("plaything",),
    features={"mood": "metadata"},
    wrappers=frozenset({"box"}),
    response_model="by",
)
