export { ceilingOf, histogramChart } from './histogram.js';
export { type SlideBar, slideBars } from './slide-bars.js';
