# What a developer does here; `make help` lists it. PYTHON names another Python than python3.
.DEFAULT_GOAL := help
.PHONY: help setup tree shellcheck docker docker-down images demo demo-clean reference test lint sanity units integration molecule molecule-all e2e e2e-long ee bench-swap cases files soak matrix clean

# Ansible refuses any other encoding.
export LC_ALL := C.UTF-8
export PYTHON ?= python3

# Of make bench-swap: for each nginx, by each way.
SWAPS ?= 120

check := .venv/bin/python tools/check.py
playbook := ANSIBLE_CONFIG=$(CURDIR)/ansible.cfg ANSIBLE_CALLBACK_RESULT_FORMAT=yaml ANSIBLE_DISPLAY_SKIPPED_HOSTS=false .venv/bin/ansible-playbook

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/setup.done ## install the tools (.venv) and the collections that ours needs (.collections)

.venv/setup.done: tools/setup.sh tools/requirements.txt collections/requirements.yml extensions/awx/requirements.yml
	tools/setup.sh

tree: ## copy the working tree to where Ansible looks for a collection
	@tools/tree.sh

docker: ## make sure that a Docker Engine with Compose v2 answers
	tools/engine.sh up

docker-down: ## stop the Docker Engine, if make docker started it
	tools/engine.sh down

images: docker ## make the images of the demo
	tools/images.sh demo

demo: setup tree docker images ## deploy, replace under load, refuse a broken release, roll back
	$(playbook) tests/demo/demo.yml

demo-clean: setup tree docker ## remove what the demo runs
	$(playbook) tests/demo/demo.yml -e demo_state=absent

reference: setup ## write docs/variables.md from the role's argument specs, and docs/compose-keys.md
	.venv/bin/python tools/reference.py

shellcheck:
	@command -v shellcheck >/dev/null || tools/apt-install.sh shellcheck

test: setup tree ## run every stage below
	-@$(MAKE) --no-print-directory shellcheck
	@$(check)

lint: setup tree shellcheck ## ruff, yamllint, ansible-lint, antsibull, reuse, shellcheck
	@$(check) lint

sanity: setup tree shellcheck ## ansible-test sanity
	@$(check) sanity

units: setup tree ## ansible-test units
	@$(check) units

integration: setup tree ## ansible-test integration, on real Docker
	@$(check) images integration

molecule: setup tree ## molecule, on a host with an Engine of its own: a first deploy
	@$(check) images molecule

molecule-all: setup tree ## and the other scenarios, which make test leaves out
	@$(check) images molecule-all

e2e: setup tree ## real ansible-playbook runs against real Docker and nginx
	@$(check) images e2e

e2e-long: setup tree ## all of them, also those that make test leaves out: a kill at each task, an nginx before 1.27
	@$(check) images e2e-long

ee: setup tree ## build the execution environment as an image, and run jobs in it as AWX does (docs/awx.md)
	@$(check) ee-image ee

bench-swap: setup tree docker ## measure what clients lose at SWAPS=120 swaps (docs/benchmarks.md); no part of make test
	tools/images.sh test
	.venv/bin/python tests/bench/bench_swap.py --swaps=$(SWAPS)

cases: setup tree docker ## every way in which a release is judged, and every way back (docs/tested.md)
	tools/images.sh test
	.venv/bin/python tests/soak/cases.py

files: setup tree docker ## ordinary Compose files as people publish them, deployed and rolled back under load (docs/tested.md)
	tools/images.sh files
	.venv/bin/python tests/soak/files.py

soak: setup tree docker ## everything that can happen to a deploy, over and over (docs/recovery.md); restarts Docker, sets the clock, needs root
	@command -v /usr/sbin/sshd >/dev/null || tools/apt-install.sh openssh-server openssh-client procps
	tools/images.sh test
	.venv/bin/python tests/soak/soak.py $(if $(ONLY),--only="$(ONLY)")

matrix: setup tree docker ## each supported version of ansible-core, Docker Engine, Compose and nginx (docs/matrix.md)
	tools/images.sh matrix
	.venv/bin/python tests/matrix/matrix.py $(ONLY)

clean: ## remove .venv, .collections and .cache
	rm -rf .venv .collections .cache
