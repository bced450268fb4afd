"""How spreadsheets write tables as text."""

__all__ = ["SAYS_SEPARATOR", "separator_of"]

#: What some write first, to say what separates, behind a quote or none: ``sep=;``.
SAYS_SEPARATOR = r'(?i:sep)=.?"?[ \t]*'
_SEPARATORS = ",;\t"


def separator_of(heading: str) -> str:
    """Return what separates the names of columns: what there is most of, a comma if nothing is."""
    return max(_SEPARATORS, key=heading.count)
