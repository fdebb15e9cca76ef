"""The verbs on objects in process, and what keeps them: admission, storage, deletion."""
