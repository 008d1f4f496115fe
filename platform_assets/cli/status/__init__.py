"""`platform status`: facts are gathered here, section by section; what they mean is said in `domain.status`."""
