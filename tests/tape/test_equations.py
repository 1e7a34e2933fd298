"""The equations of layers beyond the dense one, in both notations, as text and as LaTeX."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.layers import (
    GRU,
    LSTM,
    ActivityPenalty,
    AveragePool,
    BatchNorm,
    Conv1D,
    Conv2D,
    Elman,
    Embedding,
    Flatten,
    Heads,
    LayerNorm,
    MaxPool,
    PReLU,
    Residual,
    Shared,
    Softmax,
)
from chainrule.ops.penalties import L1, L2

CONVOLUTION = """\
      z¹ = W¹ patches(y⁰) + b¹
      y¹ = relu(z¹)
      z² = W² flat(maxpool(y¹)) + b²
     Err = cross_entropy(z², d)
      δ² = (softmax(z²) − d) / n
∂Err/∂b² = Σₙ δ²
∂Err/∂W² = δ² (flat(maxpool(y¹)))ᵀ
∂Err/∂y¹ = (∂maxpool(y¹)/∂y¹)ᵀ (W²)ᵀ δ²
      δ¹ = ∂Err/∂y¹ ⊙ relu′(z¹)
∂Err/∂b¹ = Σₙₚ δ¹
∂Err/∂W¹ = δ¹ (patches(y⁰))ᵀ"""

ELMAN = """\
      h¹[0] = 0
      z¹[1] = W¹ y⁰[1] + b¹ + U¹ h¹[0]
      h¹[1] = tanh(z¹[1])
      z¹[2] = W¹ y⁰[2] + b¹ + U¹ h¹[1]
      h¹[2] = tanh(z¹[2])
      z¹[3] = W¹ y⁰[3] + b¹ + U¹ h¹[2]
      h¹[3] = tanh(z¹[3])
         z² = W² h¹[3] + b²
        Err = squared_error(z², d)
         δ² = (z² − d) / n
   ∂Err/∂b² = Σₙ δ²
   ∂Err/∂W² = δ² (h¹[3])ᵀ
∂Err/∂h¹[3] = (W²)ᵀ δ²
      δ¹[3] = ∂Err/∂h¹[3] ⊙ tanh′(z¹[3])
∂Err/∂h¹[2] = (U¹)ᵀ δ¹[3]
      δ¹[2] = ∂Err/∂h¹[2] ⊙ tanh′(z¹[2])
∂Err/∂h¹[1] = (U¹)ᵀ δ¹[2]
      δ¹[1] = ∂Err/∂h¹[1] ⊙ tanh′(z¹[1])
   ∂Err/∂U¹ = δ¹[3] (h¹[2])ᵀ + δ¹[2] (h¹[1])ᵀ + δ¹[1] (h¹[0])ᵀ
   ∂Err/∂b¹ = Σₙₜ δ¹
   ∂Err/∂W¹ = δ¹ (y⁰)ᵀ"""

LSTM_OF_FOUR_STEPS = """\
 h₁[0] = 0
 c₁[0] = 0
 s₁[1] = W₁ h₀[1] + b₁ + U₁ h₁[0]
 c₁[1] = σ(f) ⊙ c₁[0] + σ(i) ⊙ tanh(g), (i, f, g, o) = s₁[1]
 h₁[1] = σ(o) ⊙ tanh(c₁[1])
 s₁[2] = W₁ h₀[2] + b₁ + U₁ h₁[1]
 c₁[2] = σ(f) ⊙ c₁[1] + σ(i) ⊙ tanh(g), (i, f, g, o) = s₁[2]
 h₁[2] = σ(o) ⊙ tanh(c₁[2])
       ⋮
 s₁[4] = W₁ h₀[4] + b₁ + U₁ h₁[3]
 c₁[4] = σ(f) ⊙ c₁[3] + σ(i) ⊙ tanh(g), (i, f, g, o) = s₁[4]
 h₁[4] = σ(o) ⊙ tanh(c₁[4])
    s₂ = W₂ h₁[4] + b₂
     L = squared_error(s₂, Y)
   Δs₂ = (s₂ − Y) / n
   Δb₂ = Σₙ Δs₂
   ΔW₂ = Δs₂ (h₁[4])ᵀ
Δh₁[4] = (W₂)ᵀ Δs₂
Δs₁[4] = (∂h₁[4]/∂s₁[4])ᵀ Δh₁[4]
Δc₁[3] = (∂h₁[4]/∂c₁[3])ᵀ Δh₁[4]
Δh₁[3] = (U₁)ᵀ Δs₁[4]
Δs₁[3] = (∂c₁[3]/∂s₁[3])ᵀ Δc₁[3] + (∂h₁[3]/∂s₁[3])ᵀ Δh₁[3]
       ⋮
Δc₁[1] = (∂c₁[2]/∂c₁[1])ᵀ Δc₁[2] + (∂h₁[2]/∂c₁[1])ᵀ Δh₁[2]
Δh₁[1] = (U₁)ᵀ Δs₁[2]
Δs₁[1] = (∂c₁[1]/∂s₁[1])ᵀ Δc₁[1] + (∂h₁[1]/∂s₁[1])ᵀ Δh₁[1]
   ΔU₁ = Δs₁[4] (h₁[3])ᵀ + Δs₁[3] (h₁[2])ᵀ + Δs₁[2] (h₁[1])ᵀ + Δs₁[1] (h₁[0])ᵀ
   Δb₁ = Σₙₜ Δs₁
   ΔW₁ = Δs₁ (h₀)ᵀ"""


def convolution():
    layers = [Conv2D(2, 3, "relu"), MaxPool(2), Flatten(), cr.Dense(3)]
    return cr.Network(layers, "cross_entropy", input_shape=(6, 6, 1))


def elman():
    return cr.Network([Elman(2, returns="last"), cr.Dense(1)], input_shape=(3, 2))


def lstm():
    return cr.Network([LSTM(2, returns="last"), cr.Dense(1)], input_shape=(4, 2))


def test_a_convolution_is_a_product_with_patches():
    assert convolution().explain() == CONVOLUTION


def test_a_recurrent_layer_is_written_step_by_step():
    assert elman().explain() == ELMAN


def test_of_a_long_sequence_the_first_two_steps_and_the_last_are_shown():
    assert lstm().explain("002") == LSTM_OF_FOUR_STEPS
    longer = cr.Network([LSTM(2, returns="last"), cr.Dense(1)], input_shape=(60, 2)).explain()
    assert len(longer.splitlines()) == len(LSTM_OF_FOUR_STEPS.splitlines())
    assert "h¹[60] = σ(o) ⊙ tanh(c¹[60])" in longer
    assert "δ¹[60] (h¹[59])ᵀ + δ¹[59] (h¹[58])ᵀ + ⋯ + δ¹[1] (h¹[0])ᵀ" in longer


def test_latex_has_the_same_lines():
    for net in (convolution(), elman(), lstm()):
        for notation in ("000", "002"):
            text, latex = net.explain(notation), net.explain(notation, latex=True)
            assert latex.count("&") == len(text.splitlines()) == latex.count("\n") - 1
            assert latex.isascii()
            assert latex.count("{") == latex.count("}")
    assert r"z^{(1)} &= W^{(1)} \operatorname{patches}(y^{(0)}) + b^{(1)} \\" in (
        convolution().explain(latex=True)
    )
    second = lstm().explain("002", latex=True)
    assert r"c_{1}[1] &= \sigma(f) \odot c_{1}[0] + \sigma(i) \odot \tanh(g)" in second
    assert r"&\ \vdots" in second


def lines(layers, shape, loss="squared_error", **more):
    text = cr.Network(layers, loss, input_shape=shape, **more).explain()
    return [line.strip() for line in text.splitlines()]


def test_gated_units_name_their_gates():
    found = lines([GRU(2), cr.Dense(1)], (3, 2))
    assert (
        "h¹[2] = (1 − z) ⊙ tanh(pn + σ(pr + qr) ⊙ qn) + z ⊙ h¹[1], z = σ(pz + qz), "
        "(pr, pz, pn) = a¹[2], (qr, qz, qn) = q¹[2]"
    ) in found
    assert "a¹[2] = W¹ y⁰[2] + b¹" in found
    assert "q¹[2] = U¹ h¹[1]" in found
    assert "δ² = (z² − d) / (3 n)" in found


def test_a_batch_is_normalised_by_its_mean_and_variance():
    found = lines([cr.Dense(3), BatchNorm(), cr.Dense(1)], (4,))
    for line in (
        "m² = meanₙ z¹",
        "u² = z¹ − m²",
        "v² = meanₙ (u²)²",
        "u²′ = u²/√(v² + ε)",
        "z² = g² ⊙ u²′ + b²",
        "δ² = (W³)ᵀ δ³",
        "∂Err/∂g² = Σₙ (∂z²/∂g²)ᵀ δ²",
    ):
        assert line in found


def test_formulas_come_from_their_records():
    found = lines([cr.Dense(3), LayerNorm(), PReLU(), Softmax()], (4,))
    assert "u² = (z¹ − mean z¹)/√(var z¹ + ε)" in found
    assert "y² = z² if z² > 0 else α² ⊙ z²" in found
    assert "y²′ = exp(y²) / Σ exp(y²)" in found


def test_tokens_look_up_rows():
    found = lines([Embedding(5, 2), Flatten(), cr.Dense(1)], (3,))
    assert "y¹ = E¹[y⁰]" in found
    assert "z² = W² flat(y¹) + b²" in found
    assert any(line.startswith("∂Err/∂E¹[k] = Σ ") and "y⁰ = k" in line for line in found)


def test_the_losses_of_tasks_and_penalties_add_up():
    heads = Heads({"kind": [cr.Dense(3)], "size": [cr.Dense(1)]})
    found = lines(
        [cr.Dense(4, "tanh"), heads], (4,), {"kind": "cross_entropy", "size": "squared_error"}
    )
    assert "Err = Err₁ + Err₂" in found
    assert "δ³ = (z³ − d₂) / n" in found
    assert "∂Err/∂y¹ = (W³)ᵀ δ³ + (W²)ᵀ δ²" in found
    layers = [cr.Dense(3, "sigmoid"), ActivityPenalty(0.2), cr.Dense(1)]
    strengths = {"0.weight": np.ones((4, 3))}
    found = lines(layers, (4,), penalties=[L1(0.1, ["2.weight"]), L2(strengths)])
    assert "R₁ = (0.2 / n) Σ |y¹|" in found
    assert "R₂ = 0.1 Σ |W²|" in found
    assert "R₃ = Σ θ ⊙ ½(W¹)²" in found
    assert any(line.startswith("Err = ") and line.count("+") == 3 for line in found)
    assert any(line.startswith("∂Err/∂W² = ") and "0.1 sign(W²)" in line for line in found)


def test_shared_weights_collect_their_gradients_in_one_sum():
    step = Shared("step", cr.Dense(4, "tanh"))
    found = lines([step, step, cr.Dense(1)], (4,))
    assert "∂Err/∂W¹ = δ² (y¹)ᵀ + δ¹ (y⁰)ᵀ" in found
    assert "∂Err/∂b¹ = Σₙ δ² + Σₙ δ¹" in found


def test_a_residual_block_adds_its_input():
    found = lines([Residual([cr.Dense(3, "tanh"), cr.Dense(4)]), cr.Dense(1)], (4,))
    assert "r² = y⁰ + z²" in found


@pytest.mark.parametrize("notation", ["000", "002"])
def test_every_symbol_on_the_right_has_been_defined(notation):
    """Forward: what a line reads is an input, a parameter or the left side of a line above."""
    layers = [
        Conv1D(2, 3, "relu", padding="same"), AveragePool(2), BatchNorm(), GRU(3), cr.Dropout(0.5),
        LSTM(2, returns="last"), LayerNorm(), PReLU(), Residual([cr.Dense(2, "tanh")]), Softmax(),
        cr.Dense(2),
    ]  # fmt: skip
    net = cr.Network(layers, input_shape=(6, 2))
    parameters = "WbUgαm"  # m: the mask of dropout, or a mean
    digit = "⁰¹²³⁴⁵⁶⁷⁸⁹" if notation == "000" else "₀₁₂₃₄₅₆₇₈₉"
    value = re.compile(rf"([A-Za-zα])[{digit}]+~?′*(?:\[\d+\])?")
    known: set[str] = set()
    for line in net.explain(notation).split("squared_error")[0].splitlines()[:-1]:
        if "⋮" in line:
            known.add("⋮")
            continue
        left, right = line.strip().split(" = ", 1)
        for found in value.finditer(right):
            symbol, whole = found.group(), found.group().split("[")[0]
            source = symbol.startswith(("y⁰", "h₀")) or found.group(1) in parameters
            part = any(k.split("[")[0] == whole for k in known)
            assert source or symbol in known or part, (symbol, line)
        known.add(left)


def test_the_whole_network_can_be_stepped_through():
    net = lstm()
    found = [s.equation for s in net.steps(np.ones((2, 4, 2)), [[0.0], [1.0]]) if s.equation]
    assert len([e for e in found if "⋮" in e]) == 0
    assert sum(e.startswith("c¹[") for e in found) == 4 + 1
    assert (
        "c¹[3] = σ(f) ⊙ c¹[2] + σ(i) ⊙ tanh(g), (i, f, g, o) = z¹[3]; h¹[3] = σ(o) ⊙ tanh(c¹[3])"
        in (found)
    )


def test_the_listing_of_a_tape_shows_what_a_formula_computes():
    net = cr.Network([cr.Dense(3), LayerNorm(), LSTM(2), cr.Dense(1)], input_shape=(4, 2))
    text = str(net.tape())
    assert "(z − mean z)/√(var z + ε)" in text
    assert "c = σ(f) ⊙ c₋₁ + σ(i) ⊙ tanh(g);  h = σ(o) ⊙ tanh(c)" in text
    assert "a3[1], a3[2], a3[3], a3[4] = unstack(z3)" in text


def test_the_command_line_explains_any_network(tmp_path):
    from click.testing import CliRunner

    from chainrule.cli.main import main

    convolution().save(tmp_path / "net")
    shown = CliRunner().invoke(main, ["explain", str(tmp_path / "net")])
    assert shown.exit_code == 0, shown.output
    assert CONVOLUTION in shown.output
    assert "patches(x)" in shown.output
    latex = CliRunner().invoke(main, ["explain", str(tmp_path / "net"), "--latex"])
    assert latex.output.strip() == convolution().explain(latex=True)
