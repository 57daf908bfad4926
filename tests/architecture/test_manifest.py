"""The manifest is valid, and every way of installing lets npe2 find it."""

import json
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from npe2 import PluginManifest

from tgcnet.io.formats import IMAGES, MASKS, STUDIES, endings_of

# The installed package must not answer instead: -S keeps .venv's .pth files (and with them the
# editable install) away, and site-packages comes last, for npe2 alone.
DISCOVER = """
import json, site, sys
unpacked, site_packages, follow_pth = sys.argv[1:]
sys.path.append(site_packages)
sys.path.insert(0, unpacked)
if follow_pth == "yes":
    site.addsitedir(unpacked)
from importlib.metadata import distributions
from npe2 import PluginManifest
[dist] = distributions(path=[unpacked])
[entry] = [e for e in dist.entry_points if e.group == "napari.manifest"]
manifest = PluginManifest._from_entrypoint(entry, dist)
import napari_tgcnet
print(json.dumps([manifest.name, manifest.package_version, napari_tgcnet.__file__]))
"""


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, built from a fresh clone."""
    return build(tree, "sdist", tmp_path_factory.mktemp("sdist"))


def build(tree: Path, target: str, folder: Path) -> Path:
    """Build without the network, in the present environment; the file made.

    ``target`` is a hook of PEP 517's backend: sdist, wheel or editable.
    """
    code = (
        "import sys; from hatchling import build; "
        "print(getattr(build, 'build_' + sys.argv[1])(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, target, str(folder)],
        cwd=tree, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.strip().splitlines()[-1]


def discover(wheel: Path, folder: Path, *, is_editable: bool = False) -> tuple[str, str, Path]:
    """Unpack a wheel as an installer does and let npe2 look: name, version, package file."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    site_packages = Path(pytest.__file__).parents[1]
    arguments = [str(folder), str(site_packages), "yes" if is_editable else "no"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", DISCOVER, *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    name, found_version, package = json.loads(done.stdout)
    return name, found_version, Path(package)


def test_manifest_is_valid_and_names_what_exists(root: Path) -> None:
    manifest = PluginManifest.from_file(root / "napari.yaml")
    manifest.validate_imports()
    assert manifest.name == "napari-tgcnet"


def test_the_manifest_names_the_endings_that_are_read_and_written(root: Path) -> None:
    contributions = PluginManifest.from_file(root / "napari.yaml").contributions
    [reader], [writer] = contributions.readers or [], contributions.writers or []
    # The other patterns are of names without an ending.
    patterns = {one for one in reader.filename_patterns if one.startswith("*.") and "[" not in one}
    assert patterns == {f"*{ending}" for ending in endings_of(*IMAGES, *STUDIES)}
    assert sorted(writer.filename_extensions) == sorted(endings_of(*MASKS))


def test_the_packages_copy_is_the_manifest(root: Path) -> None:
    copied = root / "src" / "napari_tgcnet" / "napari.yaml"
    assert copied.read_bytes() == (root / "napari.yaml").read_bytes(), "run make install"


def test_a_wheel_built_from_the_tree_finds_its_manifest(tree: Path, tmp_path: Path) -> None:
    wheel = build(tree, "wheel", tmp_path)
    name, found, package = discover(wheel, tmp_path / "unpacked")
    assert (name, found) == ("napari-tgcnet", version("napari-tgcnet"))
    assert package.is_relative_to(tmp_path)


def test_a_wheel_built_from_the_sdist_finds_its_manifest(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = [path for path in tmp_path.iterdir() if path.is_dir()]
    wheel = build(unpacked, "wheel", tmp_path)
    name, _, package = discover(wheel, tmp_path / "unpacked")
    assert name == "napari-tgcnet"
    assert package.is_relative_to(tmp_path / "unpacked")


def test_an_editable_install_finds_its_manifest(tree: Path, tmp_path: Path) -> None:
    wheel = build(tree, "editable", tmp_path)
    name, _, package = discover(wheel, tmp_path / "unpacked", is_editable=True)
    assert name == "napari-tgcnet"
    assert package.is_relative_to(tree)


def test_the_wheel_holds_what_runs_and_nothing_else(tree: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(tree, "wheel", tmp_path)) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0].split("-")[0] for name in names}
    assert tops == {"napari_tgcnet", "tgcnet"}
    for wanted in (
        "napari_tgcnet/napari.yaml",
        "tgcnet/samples/radiograph.png",
        "tgcnet/samples/ATTRIBUTION.md",
        "tgcnet/weights/mini/weights.safetensors",
        "tgcnet/weights/mini/manifest.json",
        "tgcnet/weights/mini/LICENSE",
    ):
        assert wanted in names
