export { renderPage } from './page.js';
