"""The hours of the week over a range: heat maps, from windows and from kept sums of whole weeks."""
