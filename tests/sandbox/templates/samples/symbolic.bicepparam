using './symbolic.json'
