"""An answer that fits a pydantic class."""

import litellm
from pydantic import BaseModel

import uutel


class Invoice(BaseModel):
    supplier: str
    total: float
    currency: str
    items: list[str]


letter = "Dear Sir, for two reams of paper and a stapler we ask for 31.50 euros. Yours, Miller & Sons"
messages = [{"role": "user", "content": f"Extract the invoice from this letter: {letter}"}]

response = litellm.completion(model="uutel/claude-code/sonnet", messages=messages, response_format=Invoice)
invoice = Invoice.model_validate_json(response.choices[0].message.content)

print(f"{invoice.supplier}: {invoice.total:.2f} {invoice.currency} for {' and '.join(invoice.items)}")
