"""Files: written atomically; models as safetensors."""
