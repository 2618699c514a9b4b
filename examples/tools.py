"""The model calls the program's own functions until it has what it needs."""

import json

import litellm

import uutel

STOCK = {"apples": 12, "pears": 0}
TOOL = {
    "type": "function",
    "function": {
        "name": "stock",
        "description": "How many of one kind of fruit are in stock.",
        "parameters": {
            "type": "object",
            "properties": {"fruit": {"type": "string", "enum": list(STOCK)}},
            "required": ["fruit"],
        },
    },
}

messages = [{"role": "user", "content": "Do we have more apples or more pears? Look it up."}]
while True:
    response = litellm.completion(model="uutel/claude-code/sonnet", messages=messages, tools=[TOOL])
    message = response.choices[0].message
    messages.append(message.model_dump())
    if not message.tool_calls:
        break
    for call in message.tool_calls:
        fruit = json.loads(call.function.arguments)["fruit"]
        print(f"{call.function.name}({fruit}) = {STOCK[fruit]}")
        messages.append({"role": "tool", "tool_call_id": call.id, "content": str(STOCK[fruit])})

print(message.content)
