"""The languages of the pages (decision 0058). Texts are marked with `_`, `n_` and `N_` of `words`.

`offered` has the languages and the choice of one; `catalogues` reads the translations;
`core_messages` translates the texts that other packages compose in English.
"""
