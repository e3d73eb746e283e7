import { render } from 'preact';
render(<p>Galen</p>, document.getElementById('app')!);
