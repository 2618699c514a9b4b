"""Loopback stand-ins for the vendors' model APIs: they play a script and remember what reached them."""
