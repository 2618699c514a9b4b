"""The model thinks first; what it thought comes beside the answer."""

import litellm

import uutel

question = {"role": "user", "content": "A bat and a ball cost 1.10 together, the bat 1.00 more. What is the ball?"}
response = litellm.completion(model="uutel/claude-code/sonnet", messages=[question], reasoning_effort="low")
message = response.choices[0].message

print("thought: ", getattr(message, "reasoning_content", None))
print("answered:", message.content)
