"""Visible tokens of a setting, and the arithmetic of a ViT encoder and decoder.

For n tokens of width D a transformer layer multiplies and adds 12·D²·n times in its linear maps
(3D² for queries, keys and values, D² after attention, 8D² in an MLP of width 4D) and 2·n²·D times
in attention (queries with keys, and the weighted sum of values). A multiplication with its addition
is counted as two operations. Patch embedding, norms and the output layer are left out: they are a
few per cent.
"""

from __future__ import annotations

from dataclasses import dataclass

from spectral_mae import _checks

GIGA = 1e9


@dataclass(frozen=True)
class TransformerSizes:
    """Widths and depths of a masked autoencoder; the defaults are ViT-Base of He et al.

    Parameters
    ----------
    width, depth : int
        Of the encoder, which takes the visible tokens and a class token.
    decoder_width, decoder_depth : int
        Of the decoder, which takes all tokens and a class token.

    Examples
    --------
    >>> sizes = TransformerSizes()
    >>> cost = sizes.cost(196, 49)
    >>> round(cost.encoder, 1), round(cost.attention / cost.encoder, 3), round(cost.decoder, 1)
    (8.6, 0.011, 10.6)
    """

    width: int = 768
    depth: int = 12
    decoder_width: int = 512
    decoder_depth: int = 8

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            _checks.positive_int(name, value)

    def cost(self, n_patches: int, n_visible: float) -> TransformerCost:
        """Return the operations of one forward pass of one image.

        Parameters
        ----------
        n_patches : int
            Patches of the image.
        n_visible : float
            Patches that the encoder sees, on average over masks.

        Returns
        -------
        TransformerCost
            In 10⁹ operations.
        """
        n_visible = round(n_visible, 9)  # L(1−m) of whole patches comes with rounding
        seen, whole = n_visible + 1, n_patches + 1
        attention = 4.0 * self.depth * self.width * seen**2 / GIGA
        linear = 24.0 * self.depth * self.width**2 * seen / GIGA
        d, w = self.decoder_depth, self.decoder_width
        decoder = (24.0 * d * w**2 * whole + 4.0 * d * w * whole**2) / GIGA
        return TransformerCost(n_visible, linear + attention, attention, decoder)


@dataclass(frozen=True)
class TransformerCost:
    """What one image costs a masked autoencoder in a forward pass, in 10⁹ operations.

    Attributes
    ----------
    visible_tokens : float
        Patches that the encoder sees, on average over masks.
    encoder : float
        Operations of the encoder, attention included.
    attention : float
        Those of its attention, which grow with the square of the tokens.
    decoder : float
        Operations of the decoder.
    """

    visible_tokens: float
    encoder: float
    attention: float
    decoder: float

    @property
    def total(self) -> float:
        """Operations of the encoder and the decoder together."""
        return self.encoder + self.decoder
