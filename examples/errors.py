"""What can go wrong, as LiteLLM's own exceptions: each says what to do."""

import litellm

import uutel


def ask(model: str, **parameters: object) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    try:
        response = litellm.completion(model=model, messages=messages, **parameters)
        print(response.choices[0].message.content)
    except litellm.UnsupportedParamsError as error:
        print("the call is wrong:", error.message)
    except litellm.AuthenticationError as error:
        print("no CLI, or no login:", error.message)
    except litellm.NotFoundError as error:
        print("no such model:", error.message)
    except litellm.RateLimitError as error:
        wait = f"wait {error.retry_after} seconds" if error.retry_after else "wait a while"
        print(f"{wait}:", error.message)
    except litellm.Timeout as error:
        print("took too long:", error.message)


ask("uutel/claude-code/haiku", seed=7)
ask("uutel/claude-code/haiku", seed=7, drop_params=True)
ask("uutel/claude-code/no-such-model")
ask("uutel/claude-code/haiku", timeout=60)
