/*
 * The spectrogram of edgespec as a C programmer would write it with FFTW: one planned batch of
 * transforms for each frame, the compiler's vectors for everything else. A peer to measure
 * against; no part of the product.
 *
 * cc -O3 -march=native -ffast-math -shared -fPIC fftw_spectrogram.c -lfftw3f -lm -o peer.so
 */
#include <fftw3.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct peer {
    int n_fft, n_averages;
    float *window;            /* taper and scale, each value twice: for I and for Q */
    float *power;
    fftwf_complex *tapered, *spectra;
    fftwf_plan plan;
};

struct peer *peer_new(int n_fft, int n_averages, const float *window)
{
    struct peer *p = malloc(sizeof *p);
    p->n_fft = n_fft;
    p->n_averages = n_averages;
    p->window = fftwf_malloc(2 * sizeof(float) * n_fft);
    p->power = fftwf_malloc(sizeof(float) * n_fft);
    p->tapered = fftwf_malloc(sizeof(fftwf_complex) * n_fft * n_averages);
    p->spectra = fftwf_malloc(sizeof(fftwf_complex) * n_fft * n_averages);
    for (int k = 0; k < 2 * n_fft; k++)
        p->window[k] = window[k / 2];
    p->plan = fftwf_plan_many_dft(1, &p->n_fft, n_averages, p->tapered, 0, 1, n_fft, p->spectra, 0,
                                  1, n_fft, FFTW_FORWARD, FFTW_PATIENT);
    return p;
}

void peer_free(struct peer *p)
{
    fftwf_destroy_plan(p->plan);
    fftwf_free(p->window);
    fftwf_free(p->power);
    fftwf_free(p->tapered);
    fftwf_free(p->spectra);
    free(p);
}

static void finish_frame(struct peer *p, float *restrict row)
{
    const int n = p->n_fft, half = n / 2;
    float *restrict power = p->power;
    fftwf_execute(p->plan);
    memset(power, 0, sizeof(float) * n);
    for (int m = 0; m < p->n_averages; m++) {
        const float *restrict x = (const float *)(p->spectra + (long)m * n);
        for (int k = 0; k < n; k++)
            power[k] += x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1];
    }
    for (int k = 0; k < half; k++) {
        row[k] = 10.0f * log10f(power[k + half] + 1e-20f);
        row[k + half] = 10.0f * log10f(power[k] + 1e-20f);
    }
}

#define PEER(name, type, zero)                                                              \
    void peer_##name(struct peer *p, const type *samples, long n_frames, float *out_dbfs)   \
    {                                                                                       \
        const int n = p->n_fft;                                                             \
        for (long frame = 0; frame < n_frames; frame++) {                                   \
            for (int m = 0; m < p->n_averages; m++) {                                       \
                const type *restrict x = samples + 2 * n * (frame * p->n_averages + m);     \
                float *restrict y = (float *)(p->tapered + (long)m * n);                    \
                for (int k = 0; k < 2 * n; k++)                                             \
                    y[k] = ((float)x[k] - zero) * p->window[k];                             \
            }                                                                               \
            finish_frame(p, out_dbfs + frame * n);                                          \
        }                                                                                   \
    }

PEER(cf32, float, 0.0f)
PEER(cu8, uint8_t, 127.5f)
PEER(ci8, int8_t, 0.0f)
PEER(ci16, int16_t, 0.0f)
