"""Gemini CLI: a question about a sound, with a seed, and what the answer cost by LiteLLM's price list."""

import base64
import io
import math
import wave

import litellm

import uutel


def tone(hertz: float, seconds: float = 1.0, rate: int = 8000) -> bytes:
    """A sine wave as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        samples = range(int(seconds * rate))
        sound.writeframes(bytes(round(127 + 100 * math.sin(math.tau * hertz * i / rate)) for i in samples))
    return file.getvalue()


sound = {"data": base64.b64encode(tone(440.0)).decode(), "format": "wav"}
question = {"type": "text", "text": "What do you hear? One short sentence."}
response = litellm.completion(
    model="uutel/gemini-cli/gemini-2.5-flash",
    messages=[{"role": "user", "content": [question, {"type": "input_audio", "input_audio": sound}]}],
    seed=1,
)
print(response.choices[0].message.content)
print(f"{response.usage.prompt_tokens} tokens in, {response._hidden_params['response_cost']:.6f} dollars")
