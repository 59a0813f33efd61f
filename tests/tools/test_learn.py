"""The page on which a network learns: its gradients are PyTorch's, and it does learn."""

import time

import pytest
import torch
from selenium.webdriver.common.by import By
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from tests.tools import axe
from tools import live, pages

pytestmark = pytest.mark.skipif(bool(pages.missing()), reason=pages.missing() or "a browser is here")

# Two steps on four digits; then the loss, what each parameter was, and its gradient before the second step.
TWO_STEPS = """
const one = new Learner(5), some = train.slice(20, 24), all = name => some.map(each => each[name]);
one.step(all("picture"), all("label"), 0.3);
const before = one.parameters.map(each => [...each.values]);
const loss = one.step(all("picture"), all("label"), 0.3);
const list = kind => one.parameters.map(each => [...each[kind]]);
return {pictures: all("picture").map(each => [...each]), labels: all("label"), before, loss,
  slopes: list("slopes"), after: list("values")};
"""
WEIGHTS = "return net.parameters.flatMap(one => [...one.values])"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    page = live.build(tmp_path_factory.mktemp("live")).with_name("learn.html")
    with pages.browser(1366, 768) as driver:
        driver.set_script_timeout(60)
        driver.get(page.as_uri())
        end = time.monotonic() + 30
        while not driver.execute_script("return 'ready' in document.documentElement.dataset"):
            assert time.monotonic() < end
            time.sleep(0.1)
        yield driver


def theirs():
    convs = [nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1)]
    return nn.Sequential(*convs, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))


def test_gradients_and_steps_are_pytorchs(driver):
    told = driver.execute_script(TWO_STEPS)
    module = theirs()
    with torch.no_grad():
        for value, given in zip(module.parameters(), told["before"], strict=True):
            value.copy_(torch.tensor(given).view_as(value))
    loss = cross_entropy(
        module(torch.tensor(told["pictures"]).view(4, 1, 8, 8)), torch.tensor(told["labels"])
    )
    loss.backward()
    assert abs(loss.item() - told["loss"]) < 1e-5
    for value, slopes in zip(module.parameters(), told["slopes"], strict=True):
        assert value.grad.abs().max() > 1e-4
        assert torch.allclose(torch.tensor(slopes).view_as(value) / 4, value.grad, atol=1e-5)
    # the second step of SGD with momentum .9 is what torch's is, once the first one's gradient is its past
    start = driver.execute_script("return new Learner(5).parameters.map(each => [...each.values])")
    module = theirs()
    with torch.no_grad():
        for value, given in zip(module.parameters(), start, strict=True):
            value.copy_(torch.tensor(given).view_as(value))
    sgd = torch.optim.SGD(module.parameters(), lr=0.3, momentum=0.9)
    for _ in range(2):
        sgd.zero_grad()
        logits = module(torch.tensor(told["pictures"]).view(4, 1, 8, 8))
        cross_entropy(logits, torch.tensor(told["labels"])).backward()
        sgd.step()
    for value, given in zip(module.parameters(), told["after"], strict=True):
        assert torch.allclose(torch.tensor(given).view_as(value), value, atol=1e-4)


def test_the_digits_are_scikit_learns(driver):
    digits = load_digits()
    told = driver.execute_script("return test.map(one => [...one.picture, one.label])")
    assert torch.allclose(torch.tensor(told)[:, :64], torch.tensor(digits.data[4::5]).float() / 16)
    assert [int(one[64]) for one in told] == digits.target[4::5].tolist()
    assert driver.execute_script("return train.length") == 1797 - len(told)


def test_it_learns_within_a_minute_and_again_the_same(driver):
    driver.execute_script("run(false); begin()")
    assert driver.execute_script("return curves.right[0][1]") < 0.35
    fresh = driver.execute_script(WEIGHTS)
    driver.execute_script("for (let n = 0; n < 30; n++) step()")
    first = driver.execute_script(WEIGHTS)
    driver.find_element(By.ID, "again").click()
    assert driver.execute_script(WEIGHTS) == fresh
    driver.execute_script("for (let n = 0; n < 30; n++) step()")
    assert driver.execute_script(WEIGHTS) == first != fresh
    driver.find_element(By.ID, "again").click()
    start = time.monotonic()
    driver.find_element(By.ID, "run").click()
    while driver.execute_script("return curves.right.at(-1)[1]") < 0.95:
        assert time.monotonic() < start + 60, driver.find_element(By.ID, "says").text
        time.sleep(0.2)
    print(f"95 % after {time.monotonic() - start:.1f} s")
    driver.find_element(By.ID, "run").click()
    steps = driver.execute_script("return steps")
    time.sleep(0.2)
    assert driver.execute_script("return steps") == steps
    driver.find_element(By.ID, "step").click()
    assert driver.execute_script("return steps") == steps + 1
    wrong = driver.find_elements(By.CSS_SELECTOR, "#wrong figure")
    assert len(wrong) == min(24, driver.execute_script("return wrong.length"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@axe.installed
def test_axe_finds_no_fault_with_it(driver, theme):
    driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    assert axe.violations(driver) == []


def test_a_phone_shows_it_without_sideways_scrolling(driver):
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    assert driver.execute_script("return document.documentElement.scrollWidth") == 390
