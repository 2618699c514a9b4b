"""LiteLLM's Router: when the better model is overloaded or its limit is used up, the smaller one answers."""

import litellm

import uutel

router = litellm.Router(
    model_list=[
        {"model_name": "best", "litellm_params": {"model": "uutel/claude-code/opus"}},
        {"model_name": "quick", "litellm_params": {"model": "uutel/claude-code/haiku"}},
    ],
    fallbacks=[{"best": ["quick"]}],
    num_retries=0,
)
response = router.completion(model="best", messages=[{"role": "user", "content": "Say hello."}])

print(response.choices[0].message.content)
print("answered by", response.model)
