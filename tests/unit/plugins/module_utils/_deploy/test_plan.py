# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import dataclasses
import inspect

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import plan


def test_each_field_of_a_plan_is_documented():
    body = ast.parse(inspect.getsource(plan.Plan)).body[0].body
    documented = [
        field.target.id
        for field, text in zip(body, body[1:])
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and text.value.value.strip().endswith(".")
    ]
    assert documented == [field.name for field in dataclasses.fields(plan.Plan)]


def test_two_plans_share_no_list():
    one, other = plan.Plan(), plan.Plan()
    one.steps.append("swap")
    assert other.steps == []
