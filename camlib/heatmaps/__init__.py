"""Where a network looks: CAM, Grad-CAM, saliency, occlusion, SIMILARnet.
A module is a method: pictures in, heatmaps (N, H, W) out; whether they are right is told by `scores`.
"""
