"""The page that `signalbox data profile` writes: a data set's figures as tables, and as plots by Bokeh.

It is no part of the app, which has neither the library nor this folder: it draws what the app has counted.
"""
