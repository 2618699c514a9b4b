"""A test that needs no CLI, no login and no network.

`python record_and_replay.py` records the conversation with the real CLI; `pytest record_and_replay.py` plays it.
"""

from pathlib import Path

import litellm

from uutel.testing import playing, recording

SKY = Path(__file__).parent / "recordings" / "sky"


def explain(thing: str) -> str:
    question = {"role": "user", "content": f"In one sentence: {thing}?"}
    response = litellm.completion(model="uutel/claude-code/sonnet", messages=[question])
    return response.choices[0].message.content


def test_it_explains_the_sky() -> None:
    with playing("claude_code", SKY):
        assert "blue" in explain("why is the sky blue")


if __name__ == "__main__":
    with recording("claude_code", "claude", SKY):
        print(explain("why is the sky blue"))
