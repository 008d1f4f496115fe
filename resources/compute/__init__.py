"""Engines that compute Ibis expressions. The contract is in `engine`; each engine has one module.

Where tables lie and how they are published stays in `resources.lakehouse`.
"""
