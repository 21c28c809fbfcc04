"""The masked autoencoder of He et al. (2022): its encoder takes visible patches only."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, PerAxis, positive_int
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.model import ImageModel

# width, depth and heads of the encoder; of the decoder
SIZES = {
    "tiny": (96, 4, 4, 64, 2, 4),
    "small": (192, 12, 3, 128, 4, 4),
    "medium": (384, 12, 6, 256, 4, 8),
    "base": (768, 12, 12, 512, 8, 16),
}


@dataclass(frozen=True)
class MAEConfig:
    """Sizes of a masked autoencoder (He et al. 2022).

    Parameters
    ----------
    shape : tuple of int
        (H, W) in pixels.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    channels : int
        Number of channels.
    width : int
        Numbers in a token of the encoder.
    depth : int
        Blocks of the encoder.
    heads : int
        Attention heads of the encoder; they must divide the width.
    decoder_width : int
        Numbers in a token of the decoder.
    decoder_depth : int
        Blocks of the decoder.
    decoder_heads : int
        Attention heads of the decoder.
    mlp_ratio : float
        Hidden width of a block's MLP relative to the width of a token, used where no hidden width
        is given.
    norm_target : bool
        Score patches that are standardised with their own mean and deviation. The decoder does not
        know these, so its output is in those units.
    norm_eps : float
        The constant ε of the layer norms.
    mlp_width : int or None
        Hidden width of the encoder's MLPs; None uses ``mlp_ratio``.
    decoder_mlp_width : int or None
        Hidden width of the decoder's MLPs; None uses ``mlp_ratio``.

    Raises
    ------
    ValueError
        If sizes do not fit each other, or patches of one number are to be standardised.

    Examples
    --------
    >>> MAEConfig.of_size("base", (224, 224), 16).grid.n_patches
    196
    """

    shape: tuple[int, int]
    patch_size: PerAxis
    channels: int = 3
    width: int = 96
    depth: int = 4
    heads: int = 4
    decoder_width: int = 64
    decoder_depth: int = 2
    decoder_heads: int = 4
    mlp_ratio: float = 4.0
    norm_target: bool = False
    norm_eps: float = 1e-6
    mlp_width: int | None = None
    decoder_mlp_width: int | None = None

    def __post_init__(self) -> None:
        grid = PatchGrid(self.shape, self.patch_size)
        if grid.ndim != 2:
            raise ValueError(f"shape={self.shape} is not (rows, columns)")
        object.__setattr__(self, "shape", grid.shape)
        object.__setattr__(self, "patch_size", grid.patch_size)
        names = ("channels", "width", "heads", "decoder_width", "decoder_heads")
        for name in (*names, "depth", "decoder_depth"):
            positive_int(name, getattr(self, name))
        for width, heads in (("width", "heads"), ("decoder_width", "decoder_heads")):
            n, parts = getattr(self, width), getattr(self, heads)
            if n % parts or n % 4:
                raise ValueError(f"{width}={n} is not a multiple of 4 and of {heads}={parts}")
        for name in ("mlp_ratio", "norm_eps"):
            number = _checks.real_number(name, getattr(self, name))
            if not 0 < number < math.inf:
                raise ValueError(f"{name}={number} is not positive and finite")
        for name, hidden in zip(("mlp_width", "decoder_mlp_width"), self.mlp_widths, strict=True):
            if getattr(self, name) is not None:
                positive_int(name, getattr(self, name))
            elif hidden < 1:
                raise ValueError(f"mlp_ratio={self.mlp_ratio} leaves the MLPs no numbers")
        if self.norm_target and self.patch_dim == 1:
            raise ValueError(
                f"norm_target with patch_size={self.patch_size} and channels={self.channels}: a "
                "patch of one number has no deviation"
            )

    @classmethod
    def of_size(
        cls, size: str, shape: tuple[int, int], patch_size: PerAxis, **options: Any
    ) -> MAEConfig:
        """Sizes by name.

        Parameters
        ----------
        size : {"tiny", "small", "medium", "base"}
            "base" is that of He et al.
        shape : tuple of int
            (H, W) in pixels.
        patch_size : int or tuple of int
            Pixels of a patch along each axis.
        **options : Any
            Further fields.

        Returns
        -------
        MAEConfig
            The sizes.

        Raises
        ------
        ValueError
            If there is no such size.
        """
        if size not in SIZES:
            raise ValueError(f"{size=} is not one of {', '.join(SIZES)}")
        names = ("width", "depth", "heads", "decoder_width", "decoder_depth", "decoder_heads")
        return cls(shape, patch_size, **(dict(zip(names, SIZES[size], strict=True)) | options))

    @property
    def grid(self) -> PatchGrid:
        """The grid of patches."""
        return PatchGrid(self.shape, self.patch_size)

    @property
    def patch_dim(self) -> int:
        """Number of numbers in a patch, over pixels and channels."""
        return self.grid.patch_pixels * self.channels

    @property
    def mlp_widths(self) -> tuple[int, int]:
        """Hidden widths of the MLPs of the encoder and of the decoder.

        Examples
        --------
        >>> MAEConfig((8, 8), 4, width=28, heads=4, mlp_width=61).mlp_widths
        (61, 256)
        """
        given = (self.mlp_width, self.decoder_mlp_width)
        widths = (self.width, self.decoder_width)
        first, second = (
            _whole(width * self.mlp_ratio) if n is None else n
            for n, width in zip(given, widths, strict=True)
        )
        return first, second

    def to_dict(self) -> dict[str, Any]:
        """Convert the sizes to plain values; widths of MLPs only where they are given.

        Returns
        -------
        dict
            The fields by name.
        """
        return {k: v for k, v in dataclasses.asdict(self).items() if v is not None}


def _whole(number: float) -> int:
    """The integer below, or the one that only rounding has missed: 61/28 · 28 is 61."""
    nearest = round(number)
    return nearest if math.isclose(number, nearest, rel_tol=1e-12) else int(number)


class MaskedAutoencoder(ImageModel):
    """The masked autoencoder of He et al. (2022).

    The encoder is a transformer over a class token and the visible patches. The decoder is a
    transformer over all patches: the encoder's tokens, and one learned token with the position of
    each hidden patch. Images and reconstructions are in pixel units. Inside, pixels are (x −
    `pixel_mean`) / `pixel_std`, buffers that default to 0 and 1. The class token has the position
    zero.

    Parameters
    ----------
    config : MAEConfig
        Sizes of the model.

    Examples
    --------
    >>> model = MaskedAutoencoder(MAEConfig((8, 8), 4, channels=1))
    >>> images, kept = torch.rand(2, 1, 8, 8), torch.tensor([[True, False, False, True]] * 2)
    >>> model(images, kept).shape
    torch.Size([2, 1, 8, 8])
    """

    kind = "vit"

    def __init__(self, config: MAEConfig) -> None:
        super().__init__(config.grid, config.channels)
        self.config = config
        self.norm_target = config.norm_target
        counts = self.grid.counts
        mlp_width, decoder_mlp_width = config.mlp_widths
        self.embed = nn.Linear(config.patch_dim, config.width)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.register_buffer("positions", sincos_positions(config.width, counts))
        self.encoder = nn.ModuleList(
            _block(config.width, config.heads, mlp_width, config.norm_eps)
            for _ in range(config.depth)
        )
        self.encoder_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.to_decoder = nn.Linear(config.width, config.decoder_width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, config.decoder_width))
        self.register_buffer("decoder_positions", sincos_positions(config.decoder_width, counts))
        self.decoder = nn.ModuleList(
            _block(config.decoder_width, config.decoder_heads, decoder_mlp_width, config.norm_eps)
            for _ in range(config.decoder_depth)
        )
        self.decoder_norm = nn.LayerNorm(config.decoder_width, eps=config.norm_eps)
        self.to_pixels = nn.Linear(config.decoder_width, config.patch_dim)
        self.apply(_initialise)
        nn.init.normal_(self.class_token, std=0.02)
        nn.init.normal_(self.mask_token, std=0.02)

    @classmethod
    def seeded(cls, config: MAEConfig, *, rng: int = 0) -> Self:
        """Make a model whose initial weights depend only on ``rng``.

        Parameters
        ----------
        config : MAEConfig
            Sizes of the model.
        rng : int
            Seed of the weights, at least 0. PyTorch draws them, so a generator of NumPy is refused.

        Returns
        -------
        MaskedAutoencoder
            The model.
        """
        seed = _checks.run_seed(rng)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(config)

    def predict(self, patches: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Predict all patches from the visible ones.

        Parameters
        ----------
        patches : Tensor, shape (n, n_patches, patch_dim)
            Patches in units of the model.
        kept : Tensor of bool, shape (n, n_patches)
            True where a patch is visible.

        Returns
        -------
        Tensor, shape (n, n_patches, patch_dim)
            The predictions, in units of the model.
        """
        return self.to_pixels(self.decoder_norm(self._decode(patches, kept)[-1]))[:, 1:]

    def _decode(self, patches: torch.Tensor, kept: torch.Tensor) -> list[torch.Tensor]:
        order, padding = visible_first(kept)
        # Padding holds hidden patches, whose NaN attention would spread though it gives no weight.
        patches = patches.masked_fill(~kept[:, :, None], 0.0)
        tokens = self._encode(_take(patches, order), order, padding)[-1]
        tokens = self.to_decoder(self.encoder_norm(tokens))
        # Every place gets the mask token, then visible patches put theirs where they belong.
        n, n_patches = kept.shape
        full = self.mask_token.expand(n, n_patches, -1)
        seen = tokens[:, 1:]
        if padding is not None:
            seen = torch.where(padding[:, 1:, None], full[:, : order.shape[1]], seen)
        full = full.scatter(1, order[:, :, None].expand_as(seen), seen)
        full = torch.cat([tokens[:, :1], full], 1) + self.decoder_positions
        states = [full]
        for block in self.decoder:
            states.append(block(states[-1]))
        return states

    def hidden_states(
        self, images: torch.Tensor, kept: torch.Tensor | None = None
    ) -> list[torch.Tensor]:
        """Tokens after the embedding and after each block of the encoder.

        The class token is the first; visible patches follow in row-major order. The last state is
        normalised, as the decoder and probes use it.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.
        kept : Tensor of bool, shape (n, n_patches), or None
            True where a patch is visible, K patches in each image; None keeps all.

        Returns
        -------
        list of Tensor, each of shape (n, 1 + K, width)
            The states, ``depth`` + 1 of them.
        """
        patches = self.in_units(images)
        kept = self.all_kept(images) if kept is None else self._checked(kept, images)
        order, padding = visible_first(kept)
        if padding is not None:
            raise ValueError("kept keeps unequal numbers of patches: tokens would not fit together")
        states = self._encode(_take(patches, order), order, None)
        return [*states[:-1], self.encoder_norm(states[-1])]

    def decoder_states(
        self, images: torch.Tensor, kept: torch.Tensor | None = None
    ) -> list[torch.Tensor]:
        """Tokens before the decoder's first block and after each of its blocks.

        The class token is the first; all patches follow in row-major order.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.
        kept : Tensor of bool, shape (n, n_patches), or None
            True where a patch is visible; None keeps all.

        Returns
        -------
        list of Tensor, each of shape (n, 1 + n_patches, decoder_width)
            The states, ``decoder_depth`` + 1 of them.
        """
        kept = self.all_kept(images) if kept is None else kept
        return self._decode(self.in_units(images), self._checked(kept, images))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Mean of the last tokens over all patches, which a probe uses.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.

        Returns
        -------
        Tensor, shape (n, width)
            The features.
        """
        return self.hidden_states(images)[-1][:, 1:].mean(1)

    def _encode(
        self, patches: torch.Tensor, order: torch.Tensor, padding: torch.Tensor | None
    ) -> list[torch.Tensor]:
        places = self.positions.expand(len(patches), -1, -1)
        tokens = self.embed(patches) + _take(places[:, 1:], order)
        first = (self.class_token + self.positions[:, :1]).expand(len(patches), -1, -1)
        states = [torch.cat([first, tokens], 1)]
        for block in self.encoder:
            states.append(block(states[-1], src_key_padding_mask=padding))
        return states


def visible_first(kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Indices of the visible patches, padded to the same number in each image.

    K is the largest number of visible patches of an image. Images with fewer are padded with hidden
    patches, which attention must ignore.

    Parameters
    ----------
    kept : Tensor of bool, shape (n, n_patches)
        True where a patch is visible.

    Returns
    -------
    index : Tensor of int, shape (n, K)
        Patches in row-major order.
    padding : Tensor of bool, shape (n, 1 + K), or None
        True where a token, counted with the class token, is padding. None where all images keep the
        same number.
    """
    order = torch.argsort((~kept).to(torch.uint8), dim=1, stable=True)
    counts = kept.sum(1)
    most = int(counts.max())
    order = order[:, :most]
    if bool((counts == most).all()):
        return order, None
    padding = ~torch.gather(kept, 1, order)
    return order, torch.cat([torch.zeros_like(padding[:, :1]), padding], 1)


def _take(patches: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    return torch.gather(patches, 1, order[:, :, None].expand(-1, -1, patches.shape[-1]))


def _block(width: int, heads: int, mlp_width: int, eps: float) -> nn.Module:
    return nn.TransformerEncoderLayer(
        width,
        heads,
        mlp_width,
        dropout=0.0,
        activation="gelu",
        layer_norm_eps=eps,
        batch_first=True,
        norm_first=True,
    )


def _initialise(module: nn.Module) -> None:
    """As He et al.: Xavier's uniform weights, no biases."""
    if isinstance(module, nn.MultiheadAttention):
        nn.init.xavier_uniform_(module.in_proj_weight)
        nn.init.zeros_(module.in_proj_bias)
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def sincos_positions(width: int, counts: tuple[int, ...]) -> torch.Tensor:
    """Position embeddings of patches as sines and cosines, zero for the class token.

    Half of the numbers encode the column and half the row, with wavelengths from 2π to 2π·10⁴.

    Parameters
    ----------
    width : int
        Numbers in a token.
    counts : tuple of int
        Rows and columns of patches.

    Returns
    -------
    Tensor, shape (1, 1 + n_patches, width)
        The embeddings.
    """
    omega = 1.0 / 10000 ** (np.arange(width // 4) / (width / 4))
    row, column = (index.reshape(-1, 1) * omega for index in np.indices(counts))
    waves: FloatArray = np.concatenate(
        [np.sin(column), np.cos(column), np.sin(row), np.cos(row)], axis=1
    )
    return torch.from_numpy(np.pad(waves, ((1, 0), (0, 0)))[np.newaxis]).float()
