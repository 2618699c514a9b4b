"""The answer in pieces, as the model says it; the last chunk tells what it took."""

import litellm

import uutel

messages = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "Name the primary colours."},
]
options = {"stream": True, "stream_options": {"include_usage": True}}

for chunk in litellm.completion(model="uutel/claude-code/haiku", messages=messages, **options):
    for choice in chunk.choices:  # none in the last chunk, which brings the usage
        print(choice.delta.content or "", end="", flush=True)
    usage = getattr(chunk, "usage", None)

print(f"\n{usage.prompt_tokens} tokens in, {usage.completion_tokens} out")
