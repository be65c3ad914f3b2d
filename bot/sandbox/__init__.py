"""Plays WeChat on your own machine: people with phones, sealed deliveries, and Tencent's API with its limits.

Seals and opens with its own code, never the bot's, so that the two sides check each other. It listens on
loopback only, and nothing a node starts in production imports it.
"""
