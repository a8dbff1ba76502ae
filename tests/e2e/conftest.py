# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import docker
import pytest
from sites import APP_IMAGE, HERE, Site


@pytest.fixture(scope="session")
def app_image():
    """The image that every release of the tests is made from."""
    client = docker.from_env()
    client.images.build(path=str(HERE / "app"), tag=APP_IMAGE, rm=True)
    client.close()


@pytest.fixture(scope="module")
def make_site(request, app_image, tmp_path_factory):
    """Make a site; all of them go with the module, whatever became of its tests."""
    made = []

    def make(name=None):
        name = name or request.module.__name__.rpartition("test_")[2].replace("_", "-")
        made.append(Site(name[:20], tmp_path_factory.mktemp(name)))
        return made[-1]

    yield make
    for site in reversed(made):  # a later one may be on the network of an earlier one
        site.close()


@pytest.fixture(scope="module")
def site(make_site):
    """A site whose nginx runs, with no upstream of ours yet."""
    return make_site()
