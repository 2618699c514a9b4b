import litellm

import uutel  # makes the models uutel/… known to LiteLLM

messages = [{"role": "user", "content": "In one sentence: why is the sky blue?"}]
response = litellm.completion(model="uutel/claude-code/sonnet", messages=messages)

print(response.choices[0].message.content)
