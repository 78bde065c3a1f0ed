"""The still part of a scene, drawn once."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gateway.scene.canvas import Floats, halve, to_yuv
from gateway.scene.landscape import *
from gateway.scene.geometry import PANORAMA_HEIGHT, PANORAMA_WIDTH


@dataclass(frozen=True)
class Panorama:
    luma: Image.Image
    chroma: tuple[Image.Image, Image.Image]


def paint(mast, site, light) -> Panorama:
    import time
    rng = np.random.default_rng(site.seed + 1)
    t=time.process_time()
    rgb = np.empty((PANORAMA_HEIGHT, PANORAMA_WIDTH, 3), np.float32)
    sky = paint_sky(rng, mast, light)
    rgb[:len(sky)] = sky
    print('sky', time.process_time()-t); t=time.process_time()
    paint_hills(rng, rgb, mast, light)
    print('hills', time.process_time()-t); t=time.process_time()
    GroundPainter(rng, mast, light, Surface()).paint(rgb)
    print('ground', time.process_time()-t); t=time.process_time()
    from gateway.scene.brush import Brush
    from gateway.scene.roadside import plant_trees,rail,raise_median,raise_posts,raise_lamps
    b=Brush(rgb,mast,light); n=mast.nearest*0.9
    plant_trees(rng,b,n)
    print('trees', time.process_time()-t); t=time.process_time()
    e=mast.road.outer_edge+.35
    rail(b,-e,n); rail(b,e,n)
    raise_median(rng,b,n)
    raise_posts(b,n)
    print('rails', time.process_time()-t); t=time.process_time()
    if site.classify>=4: raise_lamps(b,n)
    p= store(rgb)
    print('store', time.process_time()-t); t=time.process_time()
    Image.fromarray(np.clip(rgb,0,255).astype(np.uint8)).save('/tmp/gwt/pano.png')
    return p


def store(rgb: Floats) -> Panorama:
    yuv = to_yuv(rgb)
    small = halve(yuv[..., 1:])
    return Panorama(_image(yuv[..., 0]), (_image(small[..., 0]), _image(small[..., 1])))


def _image(plane: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(plane), 0, 255).astype(np.uint8))
