# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a user copies from examples/, copied and run."""

from __future__ import annotations

import shutil

import pytest
import yaml
from sites import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project of a user's own: examples/, copied."""
    copy = tmp_path_factory.mktemp("project")
    return shutil.copytree(EXAMPLES, copy / "examples")


def run(site, project, playbook="deploy.yml", **more):
    """Run a copied playbook with the copied ansible.cfg, against a site in place of the inventory's host."""
    path = str(project / playbook)
    return site.play(path, environment={"ANSIBLE_CONFIG": str(project / "ansible.cfg")}, **more)


def test_deploy_deploys(site, project):
    site.image("v1")
    site.start_nginx(wait=False)
    deployed = run(site, project, release="v1").succeeded()
    assert deployed.result["outcome"] == "deployed"
    site.serves("v1", "blue")


@pytest.mark.long
def test_what_awaits_its_promotion_is_aborted_or_promoted_and_rolled_back(site, project):
    site.image("v2")
    run(site, project, release="v2", auto_promote=False).succeeded()
    assert run(site, project, "abort.yml").succeeded().result["outcome"] == "rejected"
    run(site, project, release="v2", auto_promote=False).succeeded()
    run(site, project, "promote.yml").succeeded()
    site.serves("v2")
    run(site, project, "rollback.yml").succeeded()
    site.serves("v1")


def test_a_target_that_matches_no_host_is_refused(site, project):
    refused = run(site, project, release="v1", target="nowhere")
    assert refused.rc != 0
    assert "bluegreen_target is ''nowhere'': no host of the inventory" in refused.stdout  # as YAML quotes it


def test_the_inventory_is_for_the_shop_as_it_lies_there():
    settings = yaml.safe_load((EXAMPLES / "inventory.yml").read_text())["bluegreen"]["vars"]
    (name,) = settings["bluegreen_compose_files"]
    upstreams = (EXAMPLES / "shop/edge/conf.d/shop.conf").read_text()
    for color in ("blue", "green"):
        services = yaml.safe_load((EXAMPLES / "shop" / name.replace("{color}", color)).read_text())["services"]
        assert set(services) == {each["name"].replace("{color}", color) for each in settings["bluegreen_services"]}
    for each in settings["bluegreen_services"]:
        assert f"proxy_pass http://shop-{each['name'].replace('-{color}', '')};" in upstreams
