#!/usr/bin/env python3
"""Reference values for core/signal/filter.c from SciPy (firwin, iirnotch, filtfilt): filter_expected.py > filter_expected.csv

The input is x[t] = sin(0.7 t) + 0.5 cos(0.013 t) + 0.001 t + (3 at t = 100 to 104), t = 0..1999, at 500 Hz; one more at
257 Hz, where 0.3 fs is no integer, and 200 Hz, where 150 Hz lies above the Nyquist frequency.
"""
import numpy as np
from scipy import signal

T = np.arange(2000)
X = np.sin(0.7 * T) + 0.5 * np.cos(0.013 * T) + 0.001 * T + 3.0 * ((T >= 100) & (T <= 104))
AT = [0, 1, 2, 5, 40, 99, 100, 101, 102, 103, 110, 500, 777, 1000, 1500, 1950, 1990, 1997, 1998, 1999]


def band(fs):
    taps = int(np.ceil(0.3 * fs)) | 1
    if 150 >= fs / 2:
        h = signal.firwin(taps, 0.01, pass_zero=False, fs=fs)
    else:
        h = signal.firwin(taps, [0.01, 150], pass_zero=False, fs=fs)
    return signal.filtfilt(h, [1.0], X)


def notch(fs, f):
    b, a = signal.iirnotch(f, f / 2, fs)
    return signal.filtfilt(b, a, X, padlen=int(np.ceil(fs)))


print("filter,fs_hz,t,value")
for name, fs, y in [("band", 500, band(500)), ("band", 257, band(257)), ("band", 200, band(200)),
                    ("notch50", 500, notch(500, 50)), ("notch60", 500, notch(500, 60)), ("notch50", 257, notch(257, 50))]:
    for t in AT:
        print("%s,%g,%d,%.12e" % (name, fs, t, y[t]))
