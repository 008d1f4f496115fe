"""Embeddings of what people move between (domains of sessions, items of baskets) and the clusters that they form.

Pure functions, from events to sequences, vectors, clusters, names and labels that keep their meaning. Which embeddings
exist and where they are kept stands in `platform_assets.trained_models`.
"""
