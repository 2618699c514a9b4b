"""Several answers at a time, and a stream, in asyncio."""

import asyncio

import litellm

import uutel

MODEL = "uutel/claude-code/haiku"


async def suggest() -> str:
    question = {"role": "user", "content": "Suggest a name for a sailing boat. The name only."}
    response = await litellm.acompletion(model=MODEL, messages=[question])
    return response.choices[0].message.content


async def main() -> None:
    names = sorted(await asyncio.gather(suggest(), suggest(), suggest()))
    print("suggested:", ", ".join(names))

    question = {"role": "user", "content": f"Which is best, and why: {', '.join(names)}?"}
    async for chunk in await litellm.acompletion(model=MODEL, messages=[question], stream=True):
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


asyncio.run(main())
