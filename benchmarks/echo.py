"""The peer to measure against: a bare wechatpy bot that decrypts, parses, replies with the same text, and encrypts."""

import os

from flask import Flask, Response, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto


def create_app() -> Flask:
    """The bot as wechatpy's own documentation writes it."""
    app = Flask(__name__)
    crypto = WeChatCrypto(
        os.environ["WECHAT_TOKEN"], os.environ["WECHAT_ENCODING_AES_KEY"], os.environ["WECHAT_APP_ID"]
    )

    @app.post("/wechat")
    def echo() -> Response:
        args = request.args
        plain = crypto.decrypt_message(request.data, args["msg_signature"], args["timestamp"], args["nonce"])
        message = parse_message(plain)
        reply = create_reply(message.content, message).render()
        return Response(crypto.encrypt_message(reply, args["nonce"], args["timestamp"]), mimetype="application/xml")

    return app
