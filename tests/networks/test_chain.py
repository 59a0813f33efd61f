"""A network as a chain of steps: what they give is the network's own answer; what is no chain is refused."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it

from camlib import load, record, wrap
from camlib.networks.chain import chain
from camlib.networks.chain_steps import run


def normed(*layers):
    """A chain whose batch norms have means and variances of their own."""
    torch.manual_seed(0)
    module = nn.Sequential(*layers)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d):
            for values in (part.running_mean, part.bias, part.weight):
                if values is not None:
                    nn.init.normal_(values, 1)
            assert part.running_var is not None
            nn.init.uniform_(part.running_var, 0.5, 2)
    return module


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 5, 3), nn.Conv2d(5, 6, 3, padding="same", bias=False)
        self.drop, self.fc1, self.fc2 = nn.Dropout(), nn.Linear(6 * 13 * 13, 10), nn.Linear(10, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.relu(self.conv2(x)), 3, 1, 1)
        return self.fc2(F.dropout(F.relu(self.fc1(torch.flatten(self.drop(x), 1))), 0.1, self.training))


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 3, 3, padding=1), nn.Linear(3, 2)

    def forward(self, x):
        return self.fc((x + self.conv(x)).mean((2, 3)))


NETS = {
    "critternet": lambda: load("critternet"),
    "gmp": lambda: load("critternet_gmp"),
    "lenet": lambda: load("lenet"),
    "functions": lambda: wrap(Functional(), mean=[0.1], std=[0.3], size=28),
    "norms": lambda: wrap(
        normed(
            *(nn.Conv2d(3, 6, 3, 2), nn.BatchNorm2d(6), nn.ReLU6(), nn.Conv2d(6, 6, 5, 2, 2, groups=6)),
            *(nn.BatchNorm2d(6), nn.MaxPool2d(2, 1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
            *(nn.Linear(6, 7, bias=False), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3)),
            nn.BatchNorm1d(3, affine=False),
        ),
        size=21,
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_the_steps_give_the_networks_own_answer(name):
    net = NETS[name]()
    steps, weights = chain(net)
    images = torch.rand(3, net.channels, net.size, net.size)
    found = run(steps, weights, (images - net.mean) / net.std)
    assert torch.allclose(found, net(images), atol=2e-4)


def test_a_network_in_train_mode_is_told_as_it_is_in_eval_mode_and_stays_as_it_was():
    net = NETS["norms"]()
    told = chain(net)
    before = {name: values.clone() for name, values in net.state_dict().items()}
    net.train()
    steps, weights = chain(net)
    assert steps == told.steps
    assert all(torch.equal(values, told.weights[name]) for name, values in weights.items())
    assert all(torch.equal(values, before[name]) for name, values in net.state_dict().items())
    assert all(part.training for part in net.modules())


def test_a_step_is_called_as_camlib_calls_its_layer():
    net = load("critternet_gap")
    steps, weights = chain(net)
    assert [step["name"] for step in steps] == [
        *("conv1", "pool1", "conv2", "conv3", "conv4", "conv5", "gap", "fc")
    ]
    images = torch.rand(1, 3, 128, 128)
    with record(net, "conv3") as acts:
        net(images)
    assert torch.allclose(run(steps[:4], weights, (images - net.mean) / net.std), acts["conv3"], atol=1e-5)


def test_functions_are_layers_too():
    told = [(step["op"], step.get("lo"), step.get("relu")) for step in chain(NETS["functions"]()).steps]
    convs = [("conv", 0, None), ("max", None, None), ("conv", 0, None), ("avg", None, None)]
    assert told == [*convs, ("linear", None, True), ("linear", None, None)]


def small(*layers, size=8):
    return wrap(nn.Sequential(*layers), size=size)


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (lambda: wrap(Branch(), size=8), "Branch is no chain: 'add' branches, joins, or repeats"),
        (lambda: load("resnet18", weights="random"), "resnet18 is no chain: 'add' branches"),
        (lambda: small(nn.Flatten(), nn.Linear(192, 3)), "no convolution before its last linear layer"),
        (lambda: small(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "before its last linear"),
        (lambda: small(nn.Conv2d(3, 4, 3), nn.Sigmoid(), nn.Flatten(), nn.Linear(144, 2)), "'1' is Sigmoid"),
        (
            lambda: small(nn.Conv2d(3, 4, (3, 1)), nn.Flatten(), nn.Linear(192, 2)),
            r"'0' is Conv2d.*square windows",
        ),
        (
            lambda: small(nn.Conv2d(3, 4, 3, dilation=2), nn.Flatten(), nn.Linear(64, 2)),
            r"dilation=\(2, 2\)",
        ),
        (
            lambda: small(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2)),
            "'2' is BatchNorm2d",
        ),
        (
            lambda: small(
                nn.Conv2d(3, 4, 3), nn.MaxPool2d(4, ceil_mode=True), nn.Flatten(), nn.Linear(16, 2)
            ),
            "ceil_mode=True",
        ),
        (
            lambda: wrap(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(96, 2)), size=(6, 8)),
            "takes rectangles, 6 × 8",
        ),
    ],
)
def test_what_is_no_chain_is_refused_in_one_sentence(odd, words):
    with pytest.raises(ValueError, match=words) as found:
        chain(odd())
    assert "\n" not in str(found.value)


def test_what_a_layers_code_adds_is_noticed():
    class Doubled(nn.ReLU):
        def forward(self, x):
            return 2 * super().forward(x)

    net = small(nn.Conv2d(3, 4, 3), Doubled(), nn.Flatten(), nn.Linear(144, 2))
    with pytest.raises(ValueError, match=r"does more than its layers in their order|between its layers"):
        chain(net)
