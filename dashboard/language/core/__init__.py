"""Messages that other packages compose in English, such as errors, reasons and problems.

They stay English there, in the API, on the command line and in the records. The pages recognise
them by the templates of this package, and show their translations; kit/core_messages.js does the
same in the browser. A message without a template is shown in English.
"""
