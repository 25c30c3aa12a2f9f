export { Canvas, type Colour, type Square } from './canvas.js';
export { GLYPH_HEIGHT } from './font.js';
export { encodeIndexed, encodeRgb } from './png.js';
