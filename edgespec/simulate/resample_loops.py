"""How transforms are put together of their parts, in compiled loops."""

from edgespec.jit import apart, kernel, scalar

__all__ = ["put_together", "take_back"]


@scalar
def _times(a, b):  # type: ignore[no-untyped-def]
    return complex(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


@apart
def _sum(a, b, c, d, f, g, h, i, out):  # type: ignore[no-untyped-def]
    for k in range(len(out)):
        out[k] = _times(a[k], f[k]) + _times(b[k], g[k]) + _times(c[k], h[k]) + _times(d[k], i[k])


@kernel
def put_together(parts, first, factors, out):  # type: ignore[no-untyped-def]
    """Write ``sum_p parts[p] factors[p]``, complex64 ``(4, n)``; those of parts from ``first``."""
    stop = first + len(out)
    _sum(
        parts[0, first:stop], parts[1, first:stop], parts[2, first:stop], parts[3, first:stop],
        factors[0], factors[1], factors[2], factors[3], out,
    )  # fmt: skip


@apart
def _butterflies(a, b, c, d, f, g, h, i):  # type: ignore[no-untyped-def]
    for k in range(len(a)):
        p, q, r, s = _times(a[k], f[k]), _times(b[k], g[k]), _times(c[k], h[k]), _times(d[k], i[k])
        even, odd, left, right = p + r, q + s, p - r, q - s
        turned = complex(-right.imag, right.real)
        a[k] = even + odd
        b[k] = left + turned
        c[k] = even - odd
        d[k] = left - turned


@kernel
def take_back(parts, factors):  # type: ignore[no-untyped-def]
    """Replace four parts by the four quarters of what they are parts of, ``(4, n)``.

    Quarter c is ``sum_p i^(p c) parts[p] factors[p]``.
    """
    _butterflies(
        parts[0], parts[1], parts[2], parts[3],
        factors[0], factors[1], factors[2], factors[3],
    )  # fmt: skip
