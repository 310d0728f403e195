"""The shader that draws splats on a graphics card: a quad for each, with the equations of the processor's kernels.

`backend/splats/cpu/projection.py`, `planes.py` and `surfels.py` say where the equations come from; `backend/splats/texels.py`, what the
textures hold. The picture keeps what the kernels blend: premultiplied sRGB and alpha.
"""

from __future__ import annotations

from typing import Any

import gpu
from gpu_extras.batch import batch_for_shader

from ...backend.splats.texels import ANTIALIASED, BANDS, BASE, PLANES, SURFELS, WIDTH

# Sampler parameters of functions aren't portable to Metal, so texels are read by a macro.
_COMMON = f"""
#define TEXEL(picture, number) texelFetch(picture, ivec2((number) % {WIDTH}, (number) / {WIDTH}), 0)
#define BASE {BASE}
#define PLANES {PLANES}
#define SURFELS {SURFELS}
#define ANTIALIASED {ANTIALIASED}
#define LEAST_ALPHA (1.0 / 255.0)
#define MOST_ALPHA 0.999
#define NEAR 0.01
#define BLUR 0.3
#define LOW_PASS 5.0
#define LEAST_SHRINK 0.25
"""

_VERTEX = (
    _COMMON
    + """
vec3 turned(vec4 x, vec4 y, vec4 z, vec3 v)
{
  return vec3(dot(x.xyz, v), dot(y.xyz, v), dot(z.xyz, v));
}

vec3 color_along(int number, vec3 d)
{
  vec3 sum = 0.28209479177387814 * TEXEL(base, number * BASE + 3).rgb;
  if (degree > 0) {
    int at = number * 3;
    sum += 0.4886025119029199 * (-d.y * TEXEL(band1, at).rgb + d.z * TEXEL(band1, at + 1).rgb - d.x * TEXEL(band1, at + 2).rgb);
  }
  float xx = d.x * d.x, yy = d.y * d.y, zz = d.z * d.z;
  if (degree > 1) {
    int at = number * 5;
    sum += 1.0925484305920792 * d.x * d.y * TEXEL(band2, at).rgb;
    sum -= 1.0925484305920792 * d.y * d.z * TEXEL(band2, at + 1).rgb;
    sum += 0.31539156525252005 * (2.0 * zz - xx - yy) * TEXEL(band2, at + 2).rgb;
    sum -= 1.0925484305920792 * d.x * d.z * TEXEL(band2, at + 3).rgb;
    sum += 0.5462742152960396 * (xx - yy) * TEXEL(band2, at + 4).rgb;
  }
  if (degree > 2) {
    int at = number * 7;
    sum -= 0.5900435899266435 * d.y * (3.0 * xx - yy) * TEXEL(band3, at).rgb;
    sum += 2.890611442640554 * d.x * d.y * d.z * TEXEL(band3, at + 1).rgb;
    sum -= 0.4570457994644658 * d.y * (4.0 * zz - xx - yy) * TEXEL(band3, at + 2).rgb;
    sum += 0.3731763325901154 * d.z * (2.0 * zz - 3.0 * xx - 3.0 * yy) * TEXEL(band3, at + 3).rgb;
    sum -= 0.4570457994644658 * d.x * (4.0 * zz - xx - yy) * TEXEL(band3, at + 4).rgb;
    sum += 1.445305721320277 * d.z * (xx - yy) * TEXEL(band3, at + 5).rgb;
    sum -= 0.5900435899266435 * d.x * (xx - 3.0 * yy) * TEXEL(band3, at + 6).rgb;
  }
  return max(0.5 + sum, vec3(0.0));
}

void main()
{
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  center = vec4(0.0);
  shape = vec4(0.0);
  tilt = vec4(0.0);
  tint = vec4(0.0);

  vec2 entry = TEXEL(order, gl_InstanceID).xy;
  int number = int(entry.x), place = int(entry.y) + 1;
  vec4 lens = texelFetch(places, ivec2(0, 0), 0), frame = texelFetch(places, ivec2(1, 0), 0);
  vec4 to_x = texelFetch(places, ivec2(0, place), 0);
  vec4 to_y = texelFetch(places, ivec2(1, place), 0);
  vec4 to_z = texelFetch(places, ivec2(2, place), 0);
  vec4 eye = texelFetch(places, ivec2(3, place), 0);
  int flags = int(eye.w);
  vec4 mean = TEXEL(base, number * BASE);
  vec3 at = turned(to_x, to_y, to_z, mean.xyz) + vec3(to_x.w, to_y.w, to_z.w);
  if (!(at.z > NEAR) || at.z < frame.z || at.z > frame.w) {
    return;
  }
  for (int i = 0; i < PLANES; i++) {
    vec4 plane = texelFetch(places, ivec2(4 + i, 0), 0);
    if (dot(plane.xyz, at) + plane.w < 0.0) {
      return;
    }
  }

  vec4 q = TEXEL(base, number * BASE + 1);
  vec3 size = TEXEL(base, number * BASE + 2).xyz;
  vec3 u = size.x * turned(to_x, to_y, to_z,
      vec3(1.0 - 2.0 * (q.z * q.z + q.w * q.w), 2.0 * (q.y * q.z + q.x * q.w), 2.0 * (q.y * q.w - q.x * q.z)));
  vec3 v = size.y * turned(to_x, to_y, to_z,
      vec3(2.0 * (q.y * q.z - q.x * q.w), 1.0 - 2.0 * (q.y * q.y + q.w * q.w), 2.0 * (q.z * q.w + q.x * q.y)));
  vec3 w = size.z * turned(to_x, to_y, to_z,
      vec3(2.0 * (q.y * q.w + q.x * q.z), 2.0 * (q.z * q.w - q.x * q.y), 1.0 - 2.0 * (q.y * q.y + q.z * q.z)));

  vec2 scale = lens.xy / at.z;
  vec2 pixel = scale * at.xy + lens.zw;
  float alpha = mean.w;
  float xx, xy, yy, reach;
  if ((flags & SURFELS) != 0) {
    vec2 pu = scale * (u.xy - at.xy / at.z * u.z), pv = scale * (v.xy - at.xy / at.z * v.z);
    vec2 added = vec2(u.z, v.z) / at.z;
    float determinant = pu.x * pv.y - pv.x * pu.y;
    xx = pu.x * pu.x + pv.x * pv.x;
    xy = pu.x * pu.y + pv.x * pv.y;
    yy = pu.y * pu.y + pv.y * pv.y;
    alpha *= (flags & ANTIALIASED) != 0 ? min(LOW_PASS * abs(determinant), 1.0) : 1.0;
    alpha = min(alpha, MOST_ALPHA);
    if (!(alpha > LEAST_ALPHA) || !(abs(determinant) > 1e-5 * (xx + yy))) {
      return;
    }
    reach = 2.0 * log(255.0 * alpha);
    float steepness = sqrt(reach * dot(added, added));
    if (!(steepness < 0.9)) {
      return;
    }
    float grown = 1.0 / ((1.0 - steepness) * (1.0 - steepness));
    xx = grown * xx + 1.0 / LOW_PASS;
    xy = grown * xy;
    yy = grown * yy + 1.0 / LOW_PASS;
    shape = vec4(pv.y, -pv.x, -pu.y, pu.x) / determinant;
    tilt = vec4(shape.x * added.x + shape.z * added.y, shape.y * added.x + shape.w * added.y, 1.0, 0.0);
  }
  else {
    vec2 low = (-lens.zw - 0.15 * frame.xy) / lens.xy, high = (frame.xy - lens.zw + 0.15 * frame.xy) / lens.xy;
    vec2 towards = clamp(at.xy / at.z, low, high);
    vec2 pu = scale * (u.xy - towards * u.z), pv = scale * (v.xy - towards * v.z), pw = scale * (w.xy - towards * w.z);
    xx = pu.x * pu.x + pv.x * pv.x + pw.x * pw.x;
    xy = pu.x * pu.y + pv.x * pv.y + pw.x * pw.y;
    yy = pu.y * pu.y + pv.y * pv.y + pw.y * pw.y;
    vec2 with_depth = pu * u.z + pv * v.z + pw * w.z;
    float sharp = xx * yy - xy * xy;
    xx += BLUR;
    yy += BLUR;
    float determinant = xx * yy - xy * xy;
    alpha *= (flags & ANTIALIASED) != 0 ? sqrt(max(sharp / determinant, 1e-12)) : 1.0;
    alpha = min(alpha, MOST_ALPHA);
    if (!(alpha > LEAST_ALPHA)) {
      return;
    }
    reach = 2.0 * log(255.0 * alpha);
    shape = vec4(yy, -xy, xx, 0.0) / determinant;
    tilt = vec4(shape.x * with_depth.x + shape.y * with_depth.y, shape.y * with_depth.x + shape.z * with_depth.y, 0.0, 0.0);
  }

  float middle = 0.5 * (xx + yy), half_way = 0.5 * (xx - yy);
  float radius = sqrt(half_way * half_way + xy * xy);
  vec2 along = radius < 1e-6 * middle ? vec2(1.0, 0.0) : half_way > 0.0 ? vec2(half_way + radius, xy) : vec2(xy, radius - half_way);
  along = normalize(along);
  float longest = sqrt(reach * (middle + radius)), shortest = sqrt(reach * max(middle - radius, 0.0));
  vec2 corner_px = pixel + corner.x * longest * along + corner.y * shortest * vec2(-along.y, along.x);
  vec2 shown = vec2(corner_px.x, frame.y - corner_px.y) / frame.xy * 2.0 - 1.0;
  center = vec4(pixel, at.z, alpha);
  tint = vec4(color_along(number, normalize(mean.xyz - eye.xyz)), 1.0);
  gl_Position = vec4(shown, 0.0, 1.0);
}
"""
)

_FRAGMENT = (
    _COMMON
    + """
void main()
{
  vec4 frame = texelFetch(places, ivec2(1, 0), 0), terms = texelFetch(places, ivec2(2, 0), 0), more = texelFetch(places, ivec2(3, 0), 0);
  vec2 d = vec2(gl_FragCoord.x, frame.y - gl_FragCoord.y) - center.xy;
  float power, depth;
  if (tilt.z > 0.5) {
    vec2 disc = vec2(dot(shape.xy, d), dot(shape.zw, d));
    float shrink = 1.0 / max(1.0 - dot(tilt.xy, d), LEAST_SHRINK);
    float on_disc = dot(disc, disc) * shrink * shrink, on_picture = LOW_PASS * dot(d, d);
    power = min(on_disc, on_picture);
    depth = center.z * (on_disc <= on_picture ? shrink : 1.0);
  }
  else {
    power = shape.x * d.x * d.x + 2.0 * shape.y * d.x * d.y + shape.z * d.y * d.y;
    depth = center.z + dot(tilt.xy, d);
  }
  float alpha = center.w * exp(-0.5 * power);
  if (!(alpha >= LEAST_ALPHA)) {
    discard;
  }
  ivec2 pixel = min(ivec2(gl_FragCoord.xy * more.y), textureSize(limits, 0) - 1);
  float stored = texelFetch(limits, pixel, 0).r;
  if (stored < 1.0) {
    float ndc = 2.0 * stored - 1.0;
    if (min((ndc * terms.w - terms.y) / (ndc * terms.z - terms.x) + more.x, frame.w) < depth) {
      discard;
    }
  }
  result = vec4(tint.rgb, 1.0) * alpha;
}
"""
)


def make_splat_shader() -> tuple[Any, Any]:
    """The shader and its quad, to be drawn as many times as the order has splats."""
    info = gpu.types.GPUShaderCreateInfo()
    between = gpu.types.GPUStageInterfaceInfo("reify_quads")
    for name in ("center", "shape", "tilt", "tint"):
        between.flat("VEC4", name)
    info.vertex_in(0, "VEC2", "corner")
    info.vertex_out(between)
    names = ("base", *(f"band{degree}" for degree in range(1, len(BANDS) + 1)), "order", "places", "limits")
    for slot, name in enumerate(names):
        info.sampler(slot, "FLOAT_2D", name)
    info.push_constant("INT", "degree")
    info.fragment_out(0, "VEC4", "result")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    shader = gpu.shader.create_from_info(info)
    return shader, batch_for_shader(shader, "TRI_STRIP", {"corner": ((-1, -1), (1, -1), (-1, 1), (1, 1))})
