"""Codex: readable reasoning, and the encrypted reasoning that goes back to the model with the next turn."""

import litellm

import uutel

MODEL = "uutel/codex/gpt-5.5"
thinking = {"effort": "low", "summary": "auto"}

messages = [{"role": "user", "content": "A bat and a ball cost 1.10 together, the bat 1.00 more. What is the ball?"}]
response = litellm.completion(model=MODEL, messages=messages, reasoning_effort=thinking)
message = response.choices[0].message
print("thought: ", message.reasoning_content)
print("answered:", message.content)

messages += [message.model_dump(), {"role": "user", "content": "And the bat?"}]
response = litellm.completion(model=MODEL, messages=messages, reasoning_effort=thinking)
print("answered:", response.choices[0].message.content)
print("read from the cache:", response.usage.prompt_tokens_details.cached_tokens, "tokens")
