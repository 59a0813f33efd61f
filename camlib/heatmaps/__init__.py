"""Where a network looks: CAM and its kin, saliency, occlusion, RISE, SIMILARnet.
A module is a method: pictures in, heatmaps (N, H, W) out; whether they are right is told by `scores`.
"""
